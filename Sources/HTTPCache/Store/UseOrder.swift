// The order in which things were last used: a linked list in one array, so that a use costs no search and no sort.

/// Elements from the least to the most recently used.
///
/// Cost: each operation is constant, iteration linear in what is visited.
struct UseOrder<Element: Hashable & Sendable>: Sendable {
    private struct Node: Sendable {
        var element: Element
        var older: Int
        var newer: Int
    }

    private var nodes: [Node] = []
    private var free: [Int] = []
    private var positions: [Element: Int] = [:]
    private var oldest = UseOrder.none
    private var newest = UseOrder.none

    private static var none: Int { -1 }

    /// How many elements there are.
    var count: Int { positions.count }

    /// Makes `element` the most recently used; adds it if it is new.
    mutating func use(_ element: Element) {
        if let position = positions[element] {
            guard position != newest else { return }
            unlink(position)
            link(position)
            return
        }
        let node = Node(element: element, older: Self.none, newer: Self.none)
        let position: Int
        if let reused = free.popLast() {
            nodes[reused] = node
            position = reused
        } else {
            position = nodes.count
            nodes.append(node)
        }
        positions[element] = position
        link(position)
    }

    /// Whether `element` is here.
    func contains(_ element: Element) -> Bool {
        positions[element] != nil
    }

    /// Takes `element` out, if it is here.
    mutating func remove(_ element: Element) {
        guard let position = positions.removeValue(forKey: element) else { return }
        unlink(position)
        free.append(position)
    }

    /// Visits elements from the least recently used on, until `body` returns false.
    func forEach(while body: (Element) -> Bool) {
        var position = oldest
        while position != Self.none {
            guard body(nodes[position].element) else { return }
            position = nodes[position].newer
        }
    }

    private mutating func link(_ position: Int) {
        nodes[position].older = newest
        nodes[position].newer = Self.none
        if newest == Self.none { oldest = position } else { nodes[newest].newer = position }
        newest = position
    }

    private mutating func unlink(_ position: Int) {
        let (older, newer) = (nodes[position].older, nodes[position].newer)
        if older == Self.none { oldest = newer } else { nodes[older].newer = newer }
        if newer == Self.none { newest = older } else { nodes[newer].older = older }
    }
}
