// Where the executables are that the tests run.

import Foundation

/// The executables built with the tests, which lie beside them; WAYSTATION_TEST_REGISTRY names another `registry`.
package enum Product {
    package static func path(_ name: String) -> String {
        let variable = "WAYSTATION_TEST_" + name.uppercased()
        if let other = ProcessInfo.processInfo.environment[variable] { return other }
        return URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appending(path: name).path
    }
}
