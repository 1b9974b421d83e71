// Package backtest runs a journal through a fresh engine and tells how the incidents that it finds differ from those that
// are stored: what other rules or thresholds would have found, and what they would have spared.
//
//	result, err := backtest.Run(ctx, backtest.Config{Blocks: db, Incidents: db, Rules: rules, Query: query})
//
// Rules remember: a transaction that runs, an allowance that was learnt. A run that does not begin with the first frame of
// the journal first warms up, and compares what was opened after that. What it cannot judge, since the frames were not
// read or are gone, it names and leaves out: see [Why].
//
// With the rules that the server had, and the whole journal, there is no difference. It changes nothing in the store, on
// which a server may be running.
package backtest
