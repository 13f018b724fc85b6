//! TLS 1.3 with mutual Ed25519 raw public keys (RFC 7250): no certificates, no names, no tickets, no resumption.

use minuet_core::ed25519::{Ed25519PublicKey, Ed25519SecretKey};
use rustls::client::AlwaysResolvesClientRawPublicKeys;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::AlwaysResolvesServerRawPublicKeys;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;
use rustls::{DigitallySignedStruct, DistinguishedName, Error, PeerMisbehaved, SignatureScheme};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Nodes that speak something else do not get beyond TLS.
const ALPN: &[u8] = b"minuet";
/// PKCS#8 version 1 of an Ed25519 seed, up to the seed.
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
/// A `SubjectPublicKeyInfo` of an Ed25519 key, up to the key.
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Whose key is accepted from the other side.
#[derive(Clone, Debug)]
enum Accepted {
    /// The one that is dialled.
    Only(Ed25519PublicKey),
    /// Any of the committee's but one's own.
    AnyOf(Arc<BTreeSet<Ed25519PublicKey>>, Ed25519PublicKey),
    /// Any key but one's own: nodes that only follow are let in too.
    Any(Ed25519PublicKey),
}

impl Accepted {
    fn check(&self, key: &Ed25519PublicKey) -> Result<(), Error> {
        let reason = match self {
            Self::Only(expected) if expected == key => return Ok(()),
            Self::Only(expected) => format!(
                "wrong key: {expected} was expected at this address, {key} answers; \
                 check the address and the genesis"
            ),
            Self::AnyOf(_, own) | Self::Any(own) if own == key => {
                format!("own key: two nodes use the network key {key}, or a node dials itself; give each its own key")
            }
            Self::Any(_) => return Ok(()),
            Self::AnyOf(allowed, _) if allowed.contains(key) => return Ok(()),
            Self::AnyOf(..) => format!(
                "unknown key: {key} is no validator's network key in this node's genesis; \
                 use the key and the genesis that belong together; this node takes no followers \
                 (p2p.max_followers is 0)"
            ),
        };
        Err(Error::General(reason))
    }
}

#[derive(Debug)]
struct Verifier {
    accepted: Accepted,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn check_key(&self, end_entity: &CertificateDer<'_>) -> Result<(), Error> {
        let key = key_of(end_entity).ok_or_else(|| Error::General("the peer's key is no Ed25519 key".to_owned()))?;
        self.accepted.check(&key)
    }

    fn check_signature(
        &self,
        message: &[u8],
        end_entity: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let spki = SubjectPublicKeyInfoDer::from(end_entity.as_ref());
        verify_tls13_signature_with_raw_key(message, &spki, signature, &self.provider.signature_verification_algorithms)
    }
}

/// No TLS 1.2 is offered; the library asks for an answer all the same.
fn no_tls12() -> Result<HandshakeSignatureValid, Error> {
    Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into())
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check_key(end_entity).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        no_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ClientCertVerifier for Verifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check_key(end_entity).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        no_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

/// The key in a bare `SubjectPublicKeyInfo`, if it is exactly one of Ed25519.
fn key_of(spki: &[u8]) -> Option<Ed25519PublicKey> {
    let key = spki.strip_prefix(&SPKI_PREFIX)?;
    Ed25519PublicKey::from_slice(key).ok()
}

/// The key that the other side of a connection has proved.
#[must_use]
pub fn proven_key(connection: &quinn::Connection) -> Option<Ed25519PublicKey> {
    let identity = connection.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    key_of(identity.first()?)
}

/// One's own key, ready to prove itself.
#[derive(Clone, Debug)]
pub struct TlsKey {
    certified: Arc<CertifiedKey>,
    public: Ed25519PublicKey,
    provider: Arc<CryptoProvider>,
}

impl TlsKey {
    /// # Errors
    /// When the TLS library refuses the key.
    pub fn new(secret: &Ed25519SecretKey) -> Result<Self, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut pkcs8 = PKCS8_PREFIX.to_vec();
        pkcs8.extend_from_slice(&*secret.to_bytes());
        let signing = rustls::crypto::ring::sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(pkcs8))?;
        let public = secret.public_key();
        let mut spki = SPKI_PREFIX.to_vec();
        spki.extend_from_slice(public.as_bytes());
        let certified = Arc::new(CertifiedKey::new(vec![CertificateDer::from(spki)], signing));
        Ok(Self { certified, public, provider })
    }

    /// For dialling: only `expected` is accepted.
    ///
    /// # Errors
    /// When the TLS library refuses the settings.
    pub fn client(&self, expected: Ed25519PublicKey) -> Result<rustls::ClientConfig, Error> {
        let verifier = Verifier { accepted: Accepted::Only(expected), provider: Arc::clone(&self.provider) };
        let mut config = rustls::ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(Arc::clone(&self.certified))));
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = rustls::client::Resumption::disabled();
        config.enable_sni = false;
        Ok(config)
    }

    /// For being dialled: any of `allowed` but one's own is accepted, without a list any but one's own.
    ///
    /// # Errors
    /// When the TLS library refuses the settings.
    pub fn server(&self, allowed: Option<Arc<BTreeSet<Ed25519PublicKey>>>) -> Result<rustls::ServerConfig, Error> {
        let accepted = match allowed {
            Some(allowed) => Accepted::AnyOf(allowed, self.public),
            None => Accepted::Any(self.public),
        };
        let verifier = Verifier { accepted, provider: Arc::clone(&self.provider) };
        let mut config = rustls::ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(Arc::new(verifier))
            .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(Arc::clone(&self.certified))));
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.send_tls13_tickets = 0;
        Ok(config)
    }
}
