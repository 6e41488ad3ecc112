//go:build !unix

package live

import "errors"

// canTry says that a socket can be written without waiting for it.
const canTry = false

func tryWrite(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }
