// Tests of PeerIdentity.
