// Configuration files of clamd and its milter: private instances that listen on 127.0.0.1 only, with
// limits wide enough for the largest message of the loads.

/** clamd.conf: Debian's number of threads, limits above the largest message. */
export function clamdConfig(folder: string, socket: string, signatures: string): string {
  return `LogFile ${folder}/clamd.log
LogTime yes
DatabaseDirectory ${signatures}
LocalSocket ${socket}
LocalSocketMode 666
TemporaryDirectory ${folder}/tmp
User clamav
MaxThreads 12
MaxConnectionQueueLength 200
MaxQueue 200
StreamMaxLength 60M
MaxFileSize 60M
MaxScanSize 200M
SelfCheck 3600
Bytecode no
`;
}

/** clamav-milter.conf: refuses what clamd finds, defers if clamd does not answer. */
export function milterConfig(folder: string, socket: string, clamdSocket: string): string {
  return `MilterSocket unix:${socket}
MilterSocketMode 666
Foreground yes
TemporaryDirectory ${folder}/tmp
User clamav
ClamdSocket unix:${clamdSocket}
MaxFileSize 60M
OnClean Accept
OnInfected Reject
OnFail Defer
AddHeader Replace
LogFile ${folder}/milter.log
LogTime yes
LogInfected Basic
LogClean Off
`;
}
