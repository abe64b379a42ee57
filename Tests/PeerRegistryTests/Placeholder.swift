// Tests of PeerRegistry.
