// The registry's counters under the names by which operators see them.

import Daemon
import PeerRegistry
import Synchronization

extension RegistryMetrics {
    /// Every one, for `/metrics`.
    var all: [Metric] {
        [
            .counter("registry.lookups", "Look-ups answered, of one name or each of a batch.") {
                self.lookups.load(ordering: .relaxed)
            },
            .counter("registry.misses", "Names asked for that nobody has.") { self.misses.load(ordering: .relaxed) },
            .counter("registry.registrations", "Registrations accepted, new names and new records.") {
                self.registrations.load(ordering: .relaxed)
            },
            .counter("registry.renewals", "Signs of life accepted.") { self.renewals.load(ordering: .relaxed) },
            .counter("registry.leaves", "Peers that left.") { self.leaves.load(ordering: .relaxed) },
            .counter("registry.expiries", "Leases that ran out.") { self.expiries.load(ordering: .relaxed) },
            .counter("registry.refusals", "Changes refused, for whatever reason.") {
                self.refusals.load(ordering: .relaxed)
            },
            .counter("registry.throttled", "Changes refused because a budget was used up.") {
                self.throttled.load(ordering: .relaxed)
            },
            .counter("registry.signatures", "Signatures checked.") { self.signatures.load(ordering: .relaxed) },
            .counter("registry.conflicts", "Entries that changed between reading and changing them.") {
                self.conflicts.load(ordering: .relaxed)
            },
            .counter("registry.watchers.lost", "Streams of changes ended because their reader was slow.") {
                self.watchersLost.load(ordering: .relaxed)
            },
            .counter("registry.store.failures", "Times that the store failed.") {
                self.storeFailures.load(ordering: .relaxed)
            },
            .gauge("registry.watchers", "Streams of changes open now.") { self.watchers.load(ordering: .relaxed) },
        ]
    }
}
