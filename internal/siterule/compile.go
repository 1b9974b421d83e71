package siterule

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"

	"hayalet"
)

// Limits of a condition. Costs are in CEL's own unit, about one for each operator and variable.
const (
	MaxLength = 2000 // characters
	MaxDepth  = 32   // parentheses and operators within one another
	MaxCost   = 1000 // of one evaluation
)

// cheap is the worst case up to which an evaluation is not counted while it runs, which would take twice the time: even an
// estimate that is ten times too low keeps the limit.
const cheap = MaxCost / 10

// Compiler makes rules.
type Compiler struct {
	env    *cel.Env
	failed func(hayalet.RuleName, error)
}

// NewCompiler returns a compiler. Its rules call failed, unless it is nil, for each evaluation that ends with an error,
// from the goroutine that evaluates: several at once. Such a condition does not hold.
func NewCompiler(failed func(hayalet.RuleName, error)) (*Compiler, error) {
	if failed == nil {
		failed = func(hayalet.RuleName, error) {}
	}
	opts := []cel.EnvOption{
		cel.CrossTypeNumericComparisons(true), cel.DefaultUTCTimeZone(true),
		cel.ParserExpressionSizeLimit(MaxLength), cel.ParserRecursionLimit(MaxDepth), cel.ExpressionNodeLimit(MaxLength),
		cel.RegexProgramSizeLimit(MaxCost), cel.ASTValidators(
			cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateRegexLiterals(), cel.ValidateComprehensionNestingLimit(2),
		),
	}
	for _, o := range observations {
		opts = append(opts, cel.Variable(o.name, o.typ))
	}
	env, err := cel.NewEnv(opts...)
	if err != nil {
		return nil, fmt.Errorf("make the environment of site rules: %v", err)
	}
	return &Compiler{env: env, failed: failed}, nil
}

// Compile checks a spec and makes its rule. The error is one line: where in the condition, what is wrong, what to do.
func (c *Compiler) Compile(s Spec) (*Rule, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	ast, issues := c.env.Compile(s.When)
	if issues.Err() != nil {
		return nil, issuesError(issues)
	}
	if t := ast.OutputType(); !t.IsExactType(types.BoolType) {
		return nil, fmt.Errorf("the condition is of type %s: want bool, a comparison for example", cel.FormatCELType(t))
	}
	estimate, err := c.env.EstimateCost(ast, sizes{})
	if err != nil {
		return nil, fmt.Errorf("estimate the cost of the condition: %v", err)
	}
	if estimate.Max > MaxCost {
		return nil, fmt.Errorf("the condition may cost %d steps, more than %d: shorten lists, and do not nest loops", estimate.Max, MaxCost)
	}
	opts := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	if estimate.Max > cheap {
		opts = append(opts, cel.CostLimit(MaxCost))
	}
	program, err := c.env.Program(ast, opts...)
	if err != nil {
		return nil, fmt.Errorf("plan the condition: %s", oneLine(err.Error()))
	}
	return &Rule{spec: s, program: program, asked: asked(ast), failed: c.failed}, nil
}

// asked lists the observations that a condition looks at.
func asked(ast *cel.Ast) []observation {
	names := make(map[string]bool)
	for _, ref := range ast.NativeRep().ReferenceMap() {
		names[ref.Name] = true
	}
	return slices.DeleteFunc(slices.Clone(observations), func(o observation) bool { return !names[o.name] })
}

// maxIssues is how many faults of one condition are told.
const maxIssues = 3

func issuesError(issues *cel.Issues) error {
	var lines []string
	for i, e := range issues.Errors() {
		if i == maxIssues {
			lines = append(lines, "...")
			break
		}
		at := ""
		if e.Location != nil && e.Location.Line() > 0 {
			at = fmt.Sprintf("%d:%d: ", e.Location.Line(), e.Location.Column()+1)
		}
		message := oneLine(strings.ReplaceAll(e.Message, " (in container '')", ""))
		lines = append(lines, at+message+advice(message))
	}
	return errors.New(strings.Join(lines, "; "))
}

// advice says what to do about the faults that are made most often.
func advice(message string) string {
	if strings.HasPrefix(message, "undeclared reference") && !strings.Contains(message, "did you mean") {
		return " (docs/site-rules.md lists the observations)"
	}
	if strings.HasPrefix(message, "found no matching overload") && strings.Contains(message, "double") && strings.Contains(message, "int") {
		return " (write whole numbers beside a double with a point: 500.0)"
	}
	return ""
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// sizes tells the estimate of costs how long observations can be.
type sizes struct{}

func (sizes) EstimateSize(node cost.AstNode) *cost.SizeEstimate {
	if len(node.Path()) == 0 {
		return nil
	}
	i := slices.IndexFunc(observations, func(o observation) bool { return o.name == node.Path()[0] })
	switch {
	case i < 0:
		return nil
	case len(node.Path()) > 1 || observations[i].typ.Kind() == types.StringKind:
		return &cost.SizeEstimate{Max: maxText}
	case observations[i].typ.Kind() == types.ListKind:
		return &cost.SizeEstimate{Max: maxNotes}
	}
	return nil
}

func (sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}
