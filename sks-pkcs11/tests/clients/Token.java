import java.security.*;
import java.security.spec.*;
import java.util.*;
import javax.crypto.*;

/** What Java programs do with a token, each operation checked by Java's own software. Arguments: configuration, PIN. */
public class Token {
    static final byte[] MESSAGE = "a message".getBytes();

    final Provider provider;
    final KeyStore store;

    Token(String configuration, String pin) throws Exception {
        provider = Security.getProvider("SunPKCS11").configure(configuration);
        Security.addProvider(provider);
        store = KeyStore.getInstance("PKCS11", provider);
        store.load(null, pin.toCharArray());
    }

    public static void main(String[] arguments) throws Exception {
        try {
            Token token = new Token(arguments[0], arguments[1]);
            for (String alias : new TreeSet<>(Collections.list(token.store.aliases()))) {
                System.out.println("lists " + alias);
            }
            token.sign("my ec", "SHA256withECDSA", "SunEC");
            if (arguments.length > 2) {
                token.rest();
            }
        } catch (Exception e) {
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                System.out.println(cause);
            }
            System.exit(1);
        }
    }

    void rest() throws Exception {
        sign("my ec", "SHA384withECDSA", "SunEC");
        sign("my rsa", "SHA256withRSA", "SunRsaSign");
        sign("my rsa", "SHA512withRSA", "SunRsaSign");
        sign("my rsa", "RSASSA-PSS", "SunRsaSign");
        decrypt();
        agree();
        for (String kind : new String[] {"EC", "RSA"}) {
            KeyPairGenerator generator = KeyPairGenerator.getInstance(kind, provider);
            generator.initialize(kind.equals("EC") ? 256 : 2048);
            KeyPair made = generator.generateKeyPair();
            check("generates " + kind, made.getPrivate().toString().contains("token object"));
        }
    }

    PrivateKey key(String alias) throws Exception {
        return (PrivateKey) store.getKey(alias, null);
    }

    PublicKey publicKey(String alias) throws Exception {
        return store.getCertificate(alias).getPublicKey();
    }

    void sign(String alias, String algorithm, String verifier) throws Exception {
        Signature signature = Signature.getInstance(algorithm, provider);
        Signature check = Signature.getInstance(algorithm, verifier);
        if (algorithm.equals("RSASSA-PSS")) {
            PSSParameterSpec pss = new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, 32, 1);
            signature.setParameter(pss);
            check.setParameter(pss);
        }
        signature.initSign(key(alias));
        signature.update(MESSAGE);
        check.initVerify(publicKey(alias));
        check.update(MESSAGE);
        check("signs " + algorithm, check.verify(signature.sign()));
    }

    void decrypt() throws Exception {
        Cipher there = Cipher.getInstance("RSA/ECB/PKCS1Padding", "SunJCE");
        there.init(Cipher.ENCRYPT_MODE, publicKey("my rsa"));
        Cipher here = Cipher.getInstance("RSA/ECB/PKCS1Padding", provider);
        here.init(Cipher.DECRYPT_MODE, key("my rsa"));
        check("decrypts", Arrays.equals(here.doFinal(there.doFinal(MESSAGE)), MESSAGE));
    }

    void agree() throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", "SunEC");
        generator.initialize(new ECGenParameterSpec("secp256r1"));
        KeyPair peer = generator.generateKeyPair();
        KeyAgreement here = KeyAgreement.getInstance("ECDH", provider);
        here.init(key("my ec"));
        here.doPhase(peer.getPublic(), true);
        KeyAgreement there = KeyAgreement.getInstance("ECDH", "SunEC");
        there.init(peer.getPrivate());
        there.doPhase(publicKey("my ec"), true);
        check("agrees", Arrays.equals(here.generateSecret(), there.generateSecret()));
    }

    static void check(String what, boolean holds) {
        System.out.println(what + " " + holds);
        if (!holds) {
            System.exit(2);
        }
    }
}
