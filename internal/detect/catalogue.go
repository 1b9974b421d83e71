package detect

import "hayalet"

// Definition is a rule of the catalogue. What it means, its known false positives and what to do about its incidents are in
// the catalogue of texts, under its name.
type Definition struct {
	Name      hayalet.RuleName
	Severity  hayalet.Severity // the highest that its incidents reach
	Clauses   string           // of OCPP, that make the behaviour that it watches
	Technique string           // MITRE ATT&CK for ICS, version 16
	Defaults  func() Settings
}

// Catalogue lists the rules in the order in which they judge.
func Catalogue() []Definition {
	return []Definition{
		{
			Name: PE04Name, Severity: hayalet.Critical, Clauses: "1.6 §6.31, §7.31; 2.0.1 E06", Technique: "T0856",
			Defaults: func() Settings { return new(PE04Params) },
		},
		{
			Name: PE03Name, Severity: hayalet.Critical, Clauses: "1.6 §7.31; 2.0.1 J02.FR.16, J02.FR.17", Technique: "T0832",
			Defaults: func() Settings { return new(DefaultPE03()) },
		},
		{
			Name: PE06Name, Severity: hayalet.Critical, Clauses: "1.6 §4.10; 2.0.1 E07", Technique: "T0832",
			Defaults: func() Settings { return new(DefaultPE06()) },
		},
		{
			Name: PE02Name, Severity: hayalet.Critical, Clauses: "1.6 §3.16.2; 2.0.1 J01.FR.14", Technique: "T0832",
			Defaults: func() Settings { return new(DefaultPE02()) },
		},
		{
			Name: PE01Name, Severity: hayalet.Critical, Clauses: "1.6 §3.16.2, §7.31; 2.0.1 J01.FR.14", Technique: "T0832",
			Defaults: func() Settings { return new(DefaultPE01()) },
		},
		{
			Name: PE05Name, Severity: hayalet.Critical, Clauses: "1.6 §7.31; 2.0.1 J01.FR.14", Technique: "T0832",
			Defaults: func() Settings { return new(DefaultPE05()) },
		},
		{
			Name: MT01Name, Severity: hayalet.Medium, Clauses: "1.6 §4.10, §7.31; 2.0.1 J02.FR.16, J02.FR.17", Technique: "T0856",
			Defaults: func() Settings { return new(DefaultMT01()) },
		},
		{
			Name: MT04Name, Severity: hayalet.Medium, Clauses: "1.6 §4.7, §7.31; 2.0.1 J02", Technique: "T0832",
			Defaults: func() Settings { return new(DefaultMT04()) },
		},
		{
			Name: MT02Name, Severity: hayalet.Medium, Clauses: "1.6 §4.7, §7.31; 2.0.1 J02", Technique: "T0832",
			Defaults: func() Settings { return new(DefaultMT02()) },
		},
		{
			Name: MT03Name, Severity: hayalet.Medium, Clauses: "1.6 §4.7, §7.31; 2.0.1 J02", Technique: "T0856",
			Defaults: func() Settings { return new(DefaultMT03()) },
		},
		{
			Name: MT05Name, Severity: hayalet.Low, Clauses: "1.6 §4.7, §7.31; 2.0.1 J01, J02", Technique: "T0832",
			Defaults: func() Settings { return new(DefaultMT05()) },
		},
		{
			Name: TX01Name, Severity: hayalet.Medium, Clauses: "1.6 §4.10; 2.0.1 E06, E07", Technique: "T0856",
			Defaults: func() Settings { return new(DefaultTX01()) },
		},
		{
			Name: TX04Name, Severity: hayalet.Low, Clauses: "1.6 §4.8, §4.10; 2.0.1 E12, E14", Technique: "T0815",
			Defaults: func() Settings { return new(DefaultTX04()) },
		},
	}
}

// Defaults is the set of all rules with their default parameters.
func Defaults() Set {
	catalogue := Catalogue()
	set := make(Set, len(catalogue))
	for i, d := range catalogue {
		set[i] = Entry{Rule: d.Defaults().Rule()}
	}
	return set
}
