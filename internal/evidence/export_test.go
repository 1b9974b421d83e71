package evidence

// What the tests look at besides the package's own interface.
var (
	AppendLine = appendLine
	ReadLine   = readLine
)
