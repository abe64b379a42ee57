// Stands for the listener while the port is bound and the listener is not made yet.

import Chat
import HTTP
import Synchronization

/// Answers 503 until it was opened to a responder.
final class LateResponder: Responder {
    private let responder = Mutex<(any Responder)?>(nil)

    func open(to responder: any Responder) {
        self.responder.withLock { $0 = responder }
    }

    func respond(to request: Request) async throws -> Response {
        guard let responder = responder.withLock({ $0 }) else {
            return Response(status: 503, text: "starting; try again")
        }
        return try await responder.respond(to: request)
    }
}

/// What the Tab key offers and which lines stay on the screen, once there is a session.
final class Completions: Sendable {
    let session = Mutex<ChatSession?>(nil)

    @Sendable
    func candidates(before: String) -> [String] {
        guard let session = session.withLock({ $0 }) else { return [] }
        return ChatCompletion.candidates(before: before, names: session.names(beginning: ""))
    }

    /// A message is shown again as what was said to whom; twice would be once too often.
    @Sendable
    func keepsLine(_ line: String) -> Bool {
        session.withLock { $0 }?.isMessage(line) != true
    }
}
