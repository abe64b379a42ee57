// The thread of libcurl as a place where tasks run: what asks an origin and waits for it needs no other thread.

import Dispatch

/// Runs tasks between the rounds of the client's loop.
///
/// A task that asks the client and waits for the answer costs no wake-up of a thread when it runs here, where otherwise each
/// answer wakes one. A job that blocks holds up everything that comes from the origin. Once the loop has ended, jobs run on
/// Dispatch's threads.
package final class CurlLoopExecutor: TaskExecutor {
    let mailbox: LoopMailbox

    init(mailbox: LoopMailbox) {
        self.mailbox = mailbox
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if !mailbox.post(job) { runElsewhere(job) }
    }

    /// The loop has ended: what it has not run is run elsewhere, as is all that comes.
    func close() {
        for job in mailbox.closeJobs() { runElsewhere(job) }
    }

    private func runElsewhere(_ job: UnownedJob) {
        DispatchQueue.global().async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
