// What a listener is told at its start.

package import PeerIdentity

/// How a listener answers; every bound has a default.
package struct ChatListenerConfiguration: Sendable {
    /// The URL that we registered: its path is where messages are taken, its host one that plain messages may name.
    package var url: PeerURL
    /// More hosts, with or without port, by which plain messages may name us; addresses and `localhost` always may.
    package var hosts: [String]
    package var opening = OpeningLimits()
    package var inbox = InboxLimits()
    package var rates = ListenerRates()

    package init(url: PeerURL, hosts: [String] = []) {
        (self.url, self.hosts) = (url, hosts)
    }
}
