// When certificate files that have changed are read again, and when it is said that they are of no use; pure.

/// Decides about files that are looked at from time to time.
///
/// Certificate and key are two files, written one after the other: what does not fit may fit at the next look, so it is
/// reported only if it is found twice, and then once.
struct TLSFileWatch: Sendable {
    /// What tells a file's state from another: where it is, how large, and when it was written.
    struct Stamp: Sendable, Equatable {
        var device: UInt64 = 0
        var number: UInt64 = 0
        var bytes: Int64 = 0
        var modifiedNanoseconds: Int64 = 0
        var changedNanoseconds: Int64 = 0
    }

    /// The states of certificate and key; nil where there is no such file.
    struct Stamps: Sendable, Equatable {
        var certificate: Stamp?
        var key: Stamp?
    }

    /// The state whose content is in use, or was found to be of no use twice.
    private var settled: Stamps
    /// The state whose content was found to be of no use once.
    private var suspected: Stamps?

    /// Files that are in use as they are.
    init(inUse stamps: Stamps) {
        settled = stamps
    }

    /// Whether files in this state are to be read.
    ///
    /// - Parameters:
    ///   - stamps: The state as it is now.
    ///   - isAsked: Whether somebody asks for it, who wants to know what is wrong however often that was said.
    /// - Returns: False if their content is known.
    func wantsRead(_ stamps: Stamps, isAsked: Bool) -> Bool {
        isAsked || stamps != settled
    }

    /// The files have been read in this state, and are used from now on.
    mutating func use(_ stamps: Stamps) {
        settled = stamps
        suspected = nil
    }

    /// The files have been read in this state and are of no use; whether that is to be said now.
    mutating func refuse(_ stamps: Stamps, isAsked: Bool) -> Bool {
        guard isAsked || stamps == suspected else {
            suspected = stamps
            return false
        }
        settled = stamps
        suspected = nil
        return true
    }
}
