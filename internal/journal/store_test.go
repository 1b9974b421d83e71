package journal_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"

	"hayalet"
)

// store keeps blocks in memory. While fail is set, it keeps nothing.
type store struct {
	mu       sync.Mutex
	blocks   []hayalet.Block
	holes    []hayalet.Hole
	fail     error
	appended chan struct{} // where it is not nil, it gets one token for each try
}

var errDisk = errors.New("no space left on device")

func (s *store) AppendBlock(_ context.Context, b hayalet.Block) error {
	if s.appended != nil {
		s.appended <- struct{}{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	switch n := uint64(len(s.blocks)); {
	case b.Number <= n && b.Number > 0 && bytes.Equal(s.blocks[b.Number-1].Header, b.Header):
		return nil
	case b.Number != n+1:
		return hayalet.ErrConflict
	}
	b.Header, b.Stations, b.Body = slices.Clone(b.Header), slices.Clone(b.Stations), slices.Clone(b.Body)
	s.blocks = append(s.blocks, b)
	return nil
}

func (s *store) breaks(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func (s *store) all() []hayalet.Block {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.blocks)
}

func (s *store) LastBlock(context.Context) (hayalet.Block, error) {
	all := s.all()
	if len(all) == 0 {
		return hayalet.Block{}, hayalet.ErrNotFound
	}
	return all[len(all)-1], nil
}

func (s *store) ReadBlocks(ctx context.Context, q hayalet.BlockQuery, to func(hayalet.Block) error) error {
	for _, b := range s.all() {
		if b.Number < q.From || q.To > 0 && b.Number > q.To || b.First+uint64(b.Frames) <= q.Position ||
			q.Kept && b.Body == nil || b.LastAt < q.Since || q.Until > 0 && b.FirstAt >= q.Until {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := to(b); err != nil {
			return err
		}
	}
	return nil
}

func (s *store) DropBodies(_ context.Context, numbers []uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range numbers {
		s.blocks[n-1].Body, s.blocks[n-1].Stations = nil, nil
	}
	return nil
}

func (s *store) FindHoles(_ context.Context, from, to uint64) (found []hayalet.Hole, err error) {
	for _, h := range s.holes {
		if h.First >= from && (to == 0 || h.First <= to) {
			found = append(found, h)
		}
	}
	return found, nil
}
