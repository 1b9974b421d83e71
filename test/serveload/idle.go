//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// measureIdle tells what a station costs in memory that has said a few words and is quiet.
func measureIdle(ctx context.Context, o options) (err error) {
	dir, err := workDir(o)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p := hayaletProgram(o)
	c, err := p.start(ctx, dir)
	if err != nil {
		return err
	}
	err = idle(ctx, o, c)
	return errors.Join(err, c.stop())
}

func idle(ctx context.Context, o options, c *child) error {
	all, err := newCrowd(c.url, false)
	if err != nil {
		return err
	}
	defer all.close()
	empty, err := c.memory()
	if err != nil {
		return err
	}
	fmt.Printf("%s without stations: %v\n", hayaletName, empty)
	steps := []struct {
		when string
		do   func() error
	}{
		{fmt.Sprintf("%d stations have come in", o.idle), func() error { return all.enter(ctx, o.idle) }},
		{fmt.Sprintf("%v later", o.idleFor), func() error { return all.run(ctx, all.now()+o.idleFor) }},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			return err
		}
		now, err := c.memory()
		if err != nil {
			return err
		}
		fmt.Printf("%s: %v; %d bytes a station in all, %d more than without\n", step.when, now,
			now.pss/int64(o.idle), (now.pss-empty.pss)/int64(o.idle))
	}
	return all.clean()
}
