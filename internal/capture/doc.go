// Package capture turns files into frames and frames into files.
//
// [Recorder] writes our JSONL, one frame a line:
//
//	{"ts":"2025-11-23T19:21:04.980000Z","station":"CP_1","conn":"c7","seq":9,"protocol":"ocpp1.6","direction":"in","frame":[2,…]}
//	{"ts":"2025-11-23T19:21:13.007000Z","station":"CP_1","conn":"c7","seq":20,"protocol":"ocpp1.6","kind":"close"}
//
// A message that is no JSON array or object on one line, so that it cannot stand there as it is, is written as "text" (a
// JSON string), and as "base64" when it is not UTF-8. Either way every byte of it comes back.
//
// [TraceWriter] writes Open OCPP Trace v1.1 for other tools.
//
// [Read] takes any mixture of such lines, compressed or not, and what other programs write: log lines of the Python stack
// that the seed used and of Home Assistant,
//
//	2025-11-23 22:21:04,980 - CMS - CP_1: receive message [2,…]
//	2025-01-02 10:11:12.123 INFO (MainThread) [ocpp] CP_1: send [3,…]
//
// those of SteVe, evcc, ocpp-go and OCPP.Core, and tables with a header (docs/logs.md shows a line of each). It tells them apart
// by content, merges its inputs by time and hands the frames to a [hayalet.FrameSink]. Of our JSONL only station, direction
// and frame are required; members may stand in any order and unknown ones are passed over. Lines that cannot be read are
// counted, never fatal. [Follow] does the same with inputs that grow.
//
// It opens no file but those that a [Tail] follows, and does not judge what a message says: that is the decoder's work.
package capture

// MaxLine is the longest line that is read, in bytes without its end. A longer one is counted and skipped.
const MaxLine = 1 << 20

// maxName is the longest name of a station, connection or protocol, in bytes.
const maxName = 512
