// Tells a test when SQLite flushes a file, so that it knows what a power loss would spare.

import Foundation
import GRDBSQLite
import Synchronization

/// Stands between SQLite and the operating system, in the whole process: everything passes, flushes are told.
///
/// A copy of the default VFS (https://www.sqlite.org/vfs.html) whose files have another `xSync`.
enum SyncWatch {
    /// Told before and after a file is flushed.
    typealias Observer = @Sendable (_ path: String, _ isDone: Bool) -> Void

    private struct State {
        var observers: [String: Observer] = [:]
        var paths: [UInt: String] = [:]
        /// SQLite's own methods, by the address of the copies that stand in for them.
        var copies: [UInt: UInt] = [:]
    }

    private static let state = Mutex(State())
    private static let isInstalled: Bool = install()

    /// Watches the files below `directory`, opened from now on, until ``unwatch(_:)``.
    static func watch(_ directory: String, _ observer: @escaping Observer) {
        precondition(isInstalled)
        state.withLock { $0.observers[directory + "/"] = observer }
    }

    static func unwatch(_ directory: String) {
        state.withLock { $0.observers[directory + "/"] = nil }
    }

    private static func install() -> Bool {
        guard let system = sqlite3_vfs_find(nil) else { return false }
        let ours = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        ours.initialize(to: system.pointee)
        ours.pointee.zName = UnsafePointer(strdup("watched"))
        ours.pointee.pNext = nil
        ours.pointee.xOpen = { vfs, name, file, flags, outFlags in
            guard let system = sqlite3_vfs_find("unix"), let open = system.pointee.xOpen else { return SQLITE_CANTOPEN }
            let code = open(vfs, name, file, flags, outFlags)
            if code == SQLITE_OK, let name, let file { SyncWatch.adopt(file, String(cString: name)) }
            return code
        }
        return sqlite3_vfs_register(ours, 1) == SQLITE_OK
    }

    private static func adopt(_ file: UnsafeMutablePointer<sqlite3_file>, _ path: String) {
        guard let methods = file.pointee.pMethods, methods.pointee.xSync != nil else { return }
        state.withLock { state in
            let original = UInt(bitPattern: methods)
            var copy = state.copies.first { $0.value == original }?.key
            if copy == nil {
                let made = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
                made.initialize(to: methods.pointee)
                made.pointee.xSync = { file, flags in SyncWatch.sync(file, flags) }
                state.copies[UInt(bitPattern: made)] = original
                copy = UInt(bitPattern: made)
            }
            file.pointee.pMethods = copy.flatMap { UnsafePointer(bitPattern: $0) }
            state.paths[UInt(bitPattern: file)] = path
        }
    }

    private static func sync(_ file: UnsafeMutablePointer<sqlite3_file>?, _ flags: Int32) -> Int32 {
        guard let file else { return SQLITE_IOERR }
        let (original, path, observer) = state.withLock { state in
            let original = state.copies[UInt(bitPattern: file.pointee.pMethods)] ?? 0
            let path = state.paths[UInt(bitPattern: file)] ?? ""
            return (original, path, state.observers.first { path.hasPrefix($0.key) }?.value)
        }
        guard let methods = UnsafePointer<sqlite3_io_methods>(bitPattern: original), let sync = methods.pointee.xSync
        else { return SQLITE_IOERR }
        observer?(path, false)
        let code = sync(file, flags)
        if code == SQLITE_OK { observer?(path, true) }
        return code
    }
}
