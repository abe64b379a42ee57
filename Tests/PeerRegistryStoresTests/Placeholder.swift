// Tests of PeerRegistryStores.
