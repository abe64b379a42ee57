// Header lines in the form in which libcurl reads them, in two pieces of memory instead of two for each line.

import CCurl

/// A `curl_slist` of lines that each end with NUL; it owns what it points to.
///
/// libcurl follows the pointers and changes nothing: the list is to outlive the transfer that it was given to, and is not to
/// be freed by `curl_slist_free_all`.
final class LineList {
    /// The first line; nil if there is none.
    let first: UnsafeMutablePointer<curl_slist>?
    private let octets: UnsafeMutableBufferPointer<CChar>
    private let nodes: UnsafeMutableBufferPointer<curl_slist>

    /// The lines one after the other, each with its NUL.
    init(_ lines: [UInt8]) {
        octets = .allocate(capacity: lines.count)
        for index in lines.indices { octets.initializeElement(at: index, to: CChar(bitPattern: lines[index])) }
        nodes = .allocate(capacity: lines.count { $0 == 0 })
        var start = 0
        var count = 0
        for index in lines.indices where lines[index] == 0 {
            nodes.initializeElement(at: count, to: curl_slist(data: octets.baseAddress?.advanced(by: start), next: nil))
            if count > 0 { nodes[count - 1].next = nodes.baseAddress?.advanced(by: count) }
            start = index + 1
            count += 1
        }
        first = nodes.isEmpty ? nil : nodes.baseAddress
    }

    deinit {
        octets.deallocate()
        nodes.deallocate()
    }
}
