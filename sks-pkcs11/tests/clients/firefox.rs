//! Firefox, headless, with a client certificate from the token. It asks for a PIN in a dialogue, which Marionette answers.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::common::Daemon;
use crate::marionette::Marionette;
use crate::nss::{self, database};
use crate::server::Server;
use crate::{PIN, PUK, Program, WRONG_PIN, have, tries_lost, unlock, wait_for};

/// A preference each: no question which certificate to show, any free port for Marionette, and nobody called outside.
const PREFERENCES: &str = r#"
user_pref("security.default_personal_cert", "Select Automatically");
user_pref("marionette.port", 0);
user_pref("network.dns.disableIPv6", true);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("app.normandy.enabled", false);
user_pref("browser.safebrowsing.update.enabled", false);
user_pref("extensions.update.enabled", false);
user_pref("services.settings.server", "data:,");
"#;

/// Answers each dialogue that asks for a PIN with the next of `state.pins`, and cancels it when there is none.
const ANSWERS: &str = r#"
const state = Services.wm.getMostRecentWindow("navigator:browser").sks = { pins: [], asked: [] };
Services.obs.addObserver(dialog => {
    state.asked.push(dialog.document.getElementById("infoBody").textContent);
    const pin = state.pins.shift();
    const box = dialog.document.getElementById("commonDialog");
    dialog.setTimeout(() => {
        if (pin === undefined) {
            box.cancelDialog();
        } else {
            dialog.document.getElementById("password1Textbox").value = pin;
            box.acceptDialog();
        }
    }, 100);
}, "common-dialog-loaded");
"#;

/// Sets the PINs to answer with, and forgets logins and TLS sessions, as a new start would.
const PREPARE: &str = r#"
const state = Services.wm.getMostRecentWindow("navigator:browser").sks;
state.pins = arguments[0];
state.asked = [];
Cc["@mozilla.org/security/sdr;1"].getService(Ci.nsISecretDecoderRing).logoutAndTeardown();
"#;

/// What was asked for.
const ASKED: &str = r#"return Services.wm.getMostRecentWindow("navigator:browser").sks.asked;"#;

/// The page.
const PAGE: &str = r#"
return { url: document.URL, state: document.readyState, text: document.documentElement.innerText };
"#;

/// The tokens of all modules, as Firefox's device manager lists them; older ones call for the slots.
const TOKENS: &str = r#"
return (async () => {
    const database = Cc["@mozilla.org/security/pkcs11moduledb;1"].getService(Ci.nsIPKCS11ModuleDB);
    const modules = Array.from(await database.listModules());
    return modules.flatMap(module => Array.from(module.slots ?? module.listSlots(), slot => slot.tokenName));
})();
"#;

/// A browser that goes with the test.
struct Firefox {
    _program: Program,
    marionette: Marionette,
}

impl Firefox {
    fn start(daemon: &Daemon) -> Self {
        database(daemon, "profile");
        daemon.file("profile/user.js", PREFERENCES);
        let mut command = Command::new("timeout");
        daemon.environment(&mut command);
        let firefox = "firefox-esr --headless --no-remote --marionette --remote-allow-system-access --profile profile";
        command.args(["--kill-after=5", "300"]).args(firefox.split(' ')).current_dir(daemon.dir.path());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(std::fs::File::create(daemon.path("firefox.log")).unwrap());
        let mut program = Program(command.spawn().unwrap());
        let port = wait_for("Firefox's port", || {
            assert_eq!(program.0.try_wait().unwrap(), None, "Firefox ended");
            std::fs::read_to_string(daemon.path("profile/MarionetteActivePort")).ok()?.parse().ok()
        });
        let mut marionette = Marionette::connect(port);
        marionette.script("chrome", ANSWERS, &Value::Null).unwrap();
        Self { _program: program, marionette }
    }

    /// Runs a script as soon as no dialogue is open, for then none runs.
    fn script(&mut self, context: &str, script: &str, argument: &Value) -> Value {
        wait_for("a script's result", || self.marionette.script(context, script, argument).ok())
    }

    /// Opens an address. Ends when its page is there, or at the first dialogue.
    fn open(&mut self, url: &str) {
        self.script("content", "", &Value::Null);
        let _ = self.marionette.call("WebDriver:Navigate", &json!({ "url": url }));
    }

    /// Opens the server's page, with PINs to answer with. Gives its text, or none if it does not come, and how often it was
    /// asked for a PIN.
    fn visit(&mut self, port: u16, pins: &[&str]) -> (Option<String>, usize) {
        // Away from the last page, so that the next is not taken for it.
        self.open("about:blank");
        self.script("chrome", PREPARE, &json!(pins));
        self.open(&format!("https://localhost:{port}/"));
        let page = wait_for("a page", || {
            let page = self.script("content", PAGE, &Value::Null);
            let [url, state, text] = ["url", "state", "text"].map(|name| page[name].as_str().map(str::to_owned));
            let is_new = url? != "about:blank" && state? != "loading";
            is_new.then(|| page["url"].as_str()?.starts_with("https://").then_some(text?))
        });
        let asked = self.script("chrome", ASKED, &Value::Null).as_array().unwrap().len();
        (page, asked)
    }
}

#[test]
fn firefox_shows_its_certificate_from_the_token() {
    if !have(&[("firefox-esr", "firefox-esr"), ("timeout", "coreutils")]) || !have(nss::NEEDS) {
        return;
    }
    let daemon = Daemon::start();
    daemon.enroll("free ec", None, None, &[]);
    let server = Server::tls(&daemon);
    let mut firefox = Firefox::start(&daemon);
    let tokens = firefox.script("chrome", TOKENS, &Value::Null);
    assert!(tokens.as_array().unwrap().contains(&json!("SKS")), "{tokens}");
    let (page, asked) = firefox.visit(server.port, &[]);
    assert!(page.unwrap().contains("CN=free ec"));
    assert_eq!(asked, 0);
}

#[test]
fn firefox_meets_wrong_and_locked_pins() {
    if !have(&[("firefox-esr", "firefox-esr"), ("timeout", "coreutils")]) || !have(nss::NEEDS) {
        return;
    }
    let daemon = Daemon::start();
    daemon.enroll("my rsa", Some(PIN), Some(PUK), &["--type", "rsa2048"]);
    let server = Server::tls(&daemon);
    let mut firefox = Firefox::start(&daemon);
    let mut visit = |pins: &[&str]| {
        let (page, asked) = firefox.visit(server.port, pins);
        // A connection that failed it may try once more, and ask once more: that is cancelled.
        assert!(asked >= pins.len(), "asked {asked} times");
        (page.is_some_and(|page| page.contains("CN=my rsa")), tries_lost(&daemon))
    };
    // Whether the page came, and how many tries were lost.
    assert_eq!(visit(&[PIN]), (true, 0));
    assert_eq!(visit(&[WRONG_PIN]), (false, 1));
    assert_eq!(visit(&[WRONG_PIN, PIN]), (true, 0));
    assert_eq!(visit(&[WRONG_PIN, WRONG_PIN, WRONG_PIN]), (false, 3));
    assert_eq!(visit(&[PIN]), (false, 3));
    unlock(&daemon, &["1"]);
    assert_eq!(visit(&[PIN]), (true, 0));
}
