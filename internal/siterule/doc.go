// Package siterule judges connectors by the rules of an operator: predicates in CEL, the Common Expression Language, over
// documented observations of a connector.
//
// A [Compiler] checks the type of a [Spec]'s condition once; the [Rule] that it makes opens an incident where the condition
// has held for as long as the spec asks, and closes it where it no longer holds:
//
//	c, err := siterule.NewCompiler(nil)
//	rule, err := c.Compile(siterule.Spec{ID: "SITE-night", When: `!tx_active && power_w > 500.0`, For: 10 * time.Minute})
//
// A condition is evaluated where something was measured, a register, a power or a current, and where its hold time ends.
// Statuses, starts and stops by themselves measure nothing: what they change is seen with the next value.
//
// The package is pure, and what a condition may cost is bounded: its length, its depth, the worst case of its work as
// estimated when it is compiled, and its work while it runs.
package siterule
