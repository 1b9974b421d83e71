//go:build !linux

package doctor

import "errors"

func space(string) (id, free, total uint64, err error) { return 0, 0, 0, errors.ErrUnsupported }

func mayWrite(string) error { return nil }

func openFiles() (uint64, error) { return 0, errors.ErrUnsupported }

func synchronised() (bool, error) { return false, errors.ErrUnsupported }
