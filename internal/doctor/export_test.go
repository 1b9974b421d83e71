package doctor

// What judges is opened to the tests: a wrong clock, a full disk, and a held port are hard to come by.
var (
	JudgeClock     = Doctor.clock
	JudgeOpenFiles = Doctor.openFiles
	JudgePort      = Doctor.port
	JudgeLeaf      = Doctor.valid
)
