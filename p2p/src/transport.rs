//! QUIC's settings, and the endpoint.

use crate::config::{P2pConfig, P2pError};
use crate::tls::TlsKey;
use minuet_core::ed25519::Ed25519PublicKey;
use minuet_core::wire::{FrameKind, Lane};
use quinn::congestion::CubicConfig;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ClientConfig, EndpointConfig, IdleTimeout, MtuDiscoveryConfig, ServerConfig, TransportConfig, VarInt};
use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Duration;

/// Unread bytes of one lane: the largest frame and more.
const LANE_WINDOW_BYTES: u32 = 3 << 20;
const _: () = assert!(LANE_WINDOW_BYTES as usize > FrameKind::Response.max_bytes());
const _: () = assert!(LANE_WINDOW_BYTES as usize > FrameKind::Body.max_bytes());
/// Of all lanes and the handshake together, so that a lane that is not read never holds up another one.
const CONNECTION_WINDOW_BYTES: u32 = LANE_WINDOW_BYTES * (Lane::ALL.len() as u32 + 1);
/// What the socket may buffer in each direction, if the system allows: a few bodies that arrive at once.
const SOCKET_BUFFER_BYTES: usize = 8 << 20;
/// Before the first measurement. Too long delays repeats of a lost first packet, too short repeats needlessly.
const INITIAL_RTT: Duration = Duration::from_millis(50);
/// Sent before the first acknowledgement: a committee's links are few and known.
const INITIAL_CONGESTION_WINDOW_BYTES: u64 = 256 << 10;
/// Jumbo frames where the path has them; found by probing.
const LARGEST_DATAGRAM_BYTES: u16 = 8952;
/// Handshakes that wait to be looked at; later ones are refused.
const INCOMING_LIMIT: usize = 256;

fn transport(config: &P2pConfig) -> TransportConfig {
    let idle =
        VarInt::try_from(config.idle_timeout_ms).map_or_else(|_| IdleTimeout::from(VarInt::MAX), IdleTimeout::from);
    let mut mtu = MtuDiscoveryConfig::default();
    mtu.upper_bound(LARGEST_DATAGRAM_BYTES);
    let mut congestion = CubicConfig::default();
    congestion.initial_window(INITIAL_CONGESTION_WINDOW_BYTES);
    let lanes = u8::try_from(Lane::ALL.len()).unwrap_or(u8::MAX);
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(1))
        .max_concurrent_uni_streams(VarInt::from(lanes))
        .max_idle_timeout(Some(idle))
        .keep_alive_interval(Some(Duration::from_millis(config.keep_alive_ms)))
        .stream_receive_window(VarInt::from_u32(LANE_WINDOW_BYTES))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW_BYTES))
        .send_window(u64::from(CONNECTION_WINDOW_BYTES))
        .send_fairness(false)
        .initial_rtt(INITIAL_RTT)
        .mtu_discovery_config(Some(mtu))
        .congestion_controller_factory(Arc::new(congestion))
        .datagram_receive_buffer_size(None);
    transport
}

/// Makes QUIC configurations for dialling, one a peer.
#[derive(Debug)]
pub(crate) struct Dialling {
    key: TlsKey,
    transport: Arc<TransportConfig>,
}

impl Dialling {
    pub(crate) fn new(key: TlsKey, config: &P2pConfig) -> Self {
        Self { key, transport: Arc::new(transport(config)) }
    }

    /// For dialling the peer with this key.
    pub(crate) fn client(&self, expected: Ed25519PublicKey) -> Result<ClientConfig, P2pError> {
        let tls = self.key.client(expected).map_err(|error| P2pError::Tls(error.to_string()))?;
        let quic = QuicClientConfig::try_from(tls).map_err(|error| P2pError::Tls(error.to_string()))?;
        let mut client = ClientConfig::new(Arc::new(quic));
        client.transport_config(Arc::clone(&self.transport));
        Ok(client)
    }

    fn server(&self, allowed: Option<BTreeSet<Ed25519PublicKey>>) -> Result<ServerConfig, P2pError> {
        let tls = self.key.server(allowed.map(Arc::new)).map_err(|error| P2pError::Tls(error.to_string()))?;
        let quic = QuicServerConfig::try_from(tls).map_err(|error| P2pError::Tls(error.to_string()))?;
        let mut server = ServerConfig::with_crypto(Arc::new(quic));
        server.transport_config(Arc::clone(&self.transport));
        server.max_incoming(INCOMING_LIMIT);
        Ok(server)
    }

    /// The endpoint on a bound socket; without a list of keys anybody's is accepted. Must be called within the runtime.
    pub(crate) fn endpoint(
        &self,
        socket: UdpSocket,
        allowed: Option<BTreeSet<Ed25519PublicKey>>,
    ) -> Result<quinn::Endpoint, P2pError> {
        enlarge_buffers(&socket);
        let mut config = EndpointConfig::default();
        config.max_udp_payload_size(LARGEST_DATAGRAM_BYTES).map_err(|error| P2pError::Tls(error.to_string()))?;
        let server = self.server(allowed)?;
        quinn::Endpoint::new(config, Some(server), socket, Arc::new(quinn::TokioRuntime))
            .map_err(|error| P2pError::System { what: "QUIC endpoint", reason: error.to_string() })
    }
}

/// As large as the system allows; smaller ones cost repeats, not correctness.
fn enlarge_buffers(socket: &UdpSocket) {
    let Ok(state) = quinn::udp::UdpSocketState::new(socket.into()) else { return };
    for outcome in [
        state.set_recv_buffer_size(socket.into(), SOCKET_BUFFER_BYTES),
        state.set_send_buffer_size(socket.into(), SOCKET_BUFFER_BYTES),
    ] {
        if let Err(error) = outcome {
            tracing::debug!(%error, "socket buffers stay as they are");
        }
    }
}
