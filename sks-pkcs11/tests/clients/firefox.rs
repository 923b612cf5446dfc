//! Firefox, headless, with a client certificate from the token. It asks for a PIN in a dialogue, which Marionette answers.

use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::common::Daemon;
use crate::marionette::Marionette;
use crate::nss::{self, database};
use crate::server::Server;
use crate::{PIN, PUK, WRONG_PIN, have, terminate, tries_lost, unlock, wait_for};

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

/// The tokens of all modules.
const TOKENS: &str = r#"
const modules = Cc["@mozilla.org/security/pkcs11moduledb;1"].getService(Ci.nsIPKCS11ModuleDB).listModules();
return Array.from(modules, module => Array.from(module.listSlots(), slot => slot.tokenName)).flat();
"#;

/// A browser that goes with the test.
struct Firefox {
    child: Child,
    marionette: Option<Marionette>,
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
        let mut firefox = Self { child: command.spawn().unwrap(), marionette: None };
        let port = wait_for("Firefox's port", || {
            assert_eq!(firefox.child.try_wait().unwrap(), None, "Firefox ended");
            std::fs::read_to_string(daemon.path("profile/MarionetteActivePort")).ok()?.parse().ok()
        });
        let mut marionette = Marionette::connect(port);
        marionette.script("chrome", ANSWERS, &Value::Null).unwrap();
        firefox.marionette = Some(marionette);
        firefox
    }

    fn marionette(&mut self) -> &mut Marionette {
        self.marionette.as_mut().unwrap()
    }

    /// Opens the server's page, with PINs to answer with. Gives its text, or none if it does not come, and how often it was
    /// asked for a PIN.
    fn visit(&mut self, port: u16, pins: &[&str]) -> (Option<String>, usize) {
        let marionette = self.marionette();
        marionette.script("chrome", PREPARE, &json!(pins)).unwrap();
        marionette.call("Marionette:SetContext", &json!({ "value": "content" })).unwrap();
        // Ends when the page is there, or the first dialogue.
        let _ = marionette.call("WebDriver:Navigate", &json!({ "url": format!("https://localhost:{port}/") }));
        let page = wait_for("a page", || {
            // Refused while a dialogue is open.
            let page = marionette.script("content", "return [document.readyState, document.URL]", &Value::Null).ok()?;
            (page[0] == "complete" || page[1].as_str()?.starts_with("about:neterror")).then_some(page)
        });
        let there = page[1].as_str().unwrap().starts_with("https://localhost");
        let text = marionette.script("content", "return document.documentElement.innerText", &Value::Null).unwrap();
        let asked = marionette.script("chrome", ASKED, &Value::Null).unwrap();
        (there.then(|| text.as_str().unwrap().to_owned()), asked.as_array().unwrap().len())
    }
}

impl Drop for Firefox {
    fn drop(&mut self) {
        terminate(&mut self.child);
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
    let tokens = firefox.marionette().script("chrome", TOKENS, &Value::Null).unwrap();
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
        (page.is_some_and(|page| page.contains("CN=my rsa")), asked, tries_lost(&daemon))
    };
    // Whether the page came, how often it asked for a PIN, how many tries were lost. The last question is cancelled.
    assert_eq!(visit(&[PIN]), (true, 1, 0));
    assert_eq!(visit(&[WRONG_PIN]), (false, 2, 1));
    assert_eq!(visit(&[WRONG_PIN, PIN]), (true, 2, 0));
    // Once it is locked it does not ask again, and on the next visit the right PIN does not help.
    assert_eq!(visit(&[WRONG_PIN, WRONG_PIN, WRONG_PIN]), (false, 3, 3));
    assert_eq!(visit(&[PIN]), (false, 1, 3));
    unlock(&daemon, &["1"]);
    assert_eq!(visit(&[PIN]), (true, 1, 0));
}
