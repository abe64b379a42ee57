// The files of body octets under DIR/bodies: their names, opening and deleting them.

import HTTP
import HTTPCache

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// One file a segment, `DIR/bodies/ab/<response, 16 hexadecimal digits>.<segment>`, where `ab` are the last two digits.
///
/// Files are sparse: octets lie at their offset within the segment. Directories come into being when first needed.
struct SegmentFiles: Sendable {
    private let root: String

    init(directory: String) {
        root = directory + "/bodies"
    }

    /// The directories that files may be in, whether they exist or not.
    static var folders: ClosedRange<UInt8> { 0...255 }

    /// The file of `segment`, open to read and write.
    func open(_ segment: SegmentID, creating: Bool) throws(HTTPCacheError) -> OpenFile {
        let path = path(of: segment)
        do throws(SystemError) {
            return OpenFile(owning: try openFile(path, creating ? O_RDWR | O_CREAT : O_RDWR))
        } catch {
            guard creating else {
                // Too many open files will pass; whatever else it is, its octets are not to be had.
                if [EMFILE, ENFILE, ENOMEM].contains(error.number) { throw .store("open \(path)", error) }
                throw HTTPCacheError(.segmentMissing, "cannot read \(path): \(error)")
            }
            guard error.number == ENOENT else { throw .store("open \(path)", error) }
        }
        do throws(SystemError) {
            try makeDirectories(folder(of: segment.response))
            return OpenFile(owning: try openFile(path, O_RDWR | O_CREAT))
        } catch {
            throw .store("create \(path)", error)
        }
    }

    /// Deletes the file of `segment`, if there is one.
    func delete(_ segment: SegmentID) throws(HTTPCacheError) {
        let path = path(of: segment)
        do {
            try deleteFile(path)
        } catch {
            throw .store("delete \(path)", error)
        }
    }

    /// The segments of `response` that have a file; cost: linear in the files of one of 256 directories.
    func segments(of response: ResponseID) -> [SegmentID] {
        let prefix = hexadecimal(response.rawValue) + "."
        return names(in: folder(of: response), default: []).filter { $0.hasPrefix(prefix) }.compactMap(
            Self.segment(named:)
        )
    }

    /// All segments that have a file in one of the directories; files with other names are not ours and not listed.
    func segments(inFolder number: UInt8) -> [SegmentID] {
        names(in: root + "/" + twoDigits(number), default: []).compactMap(Self.segment(named:)).filter {
            UInt8(truncatingIfNeeded: $0.response.rawValue) == number
        }
    }

    private func names(in folder: String, default none: [String]) -> [String] {
        HTTPCacheDisk.names(in: folder) ?? none
    }

    private func folder(of response: ResponseID) -> String {
        root + "/" + twoDigits(UInt8(truncatingIfNeeded: response.rawValue))
    }

    private func path(of segment: SegmentID) -> String {
        "\(folder(of: segment.response))/\(hexadecimal(segment.response.rawValue)).\(segment.index)"
    }

    private func twoDigits(_ number: UInt8) -> String {
        let digits = String(number, radix: 16)
        return number < 16 ? "0" + digits : digits
    }

    private func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The segment whose file is called `name`; nil unless it is exactly as this type would write it.
    private static func segment(named name: String) -> SegmentID? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == 16, parts[0].allSatisfy({ $0.isHexDigit && !$0.isUppercase }),
            let response = UInt64(parts[0], radix: 16), let index = Int(parts[1]), String(index) == parts[1], index >= 0
        else { return nil }
        return SegmentID(response: ResponseID(rawValue: response), index: index)
    }
}
