package dashboards

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"time"

	"martinella/alerts"
	"martinella/dashboards/photo"
)

const (
	// maxUpload bounds a body with a photo: as base64 in JSON, with the words.
	maxUpload = photo.MaxBytes/3*4 + maxDecision
	// uploadTime is how long such a body may take to arrive: 15 MB over a poor
	// mobile line.
	uploadTime = 3 * time.Minute
	// uploadsAtOnce bounds the memory of bodies that are on their way.
	uploadsAtOnce = 4
	// photoTime is how long a photo may wait for its turn and be made ready.
	photoTime = 30 * time.Second
)

// errUploads says that too many photos are coming in at once.
var errUploads = errors.New("too many photos are coming in at once")

// uploading takes a place among those who send photos, and gives the body time to
// arrive; done gives it back.
func (s *Server) uploading(w http.ResponseWriter) (done func(), err error) {
	select {
	case s.uploads <- struct{}{}:
	default:
		return nil, errUploads
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(uploadTime))
	return func() { <-s.uploads }, nil
}

// uploaded reads a form with at most one file, which stays in memory. The fields
// are bounded together by [maxForm].
func (s *Server) uploaded(w http.ResponseWriter, r *http.Request) (fields map[string]string, file []byte, err error) {
	unread := refuse(errBadRequest, "body", "is not a form that can be read", "send multipart/form-data with UTF-8 fields")
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" {
		return nil, nil, refuse(errMediaType, "Content-Type", "is not multipart/form-data", "send a form or a JSON object")
	}
	body := http.MaxBytesReader(w, r.Body, photo.MaxBytes+2*maxForm)
	fields = map[string]string{}
	words := 0
	for parts := multipart.NewReader(body, params["boundary"]); ; {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return fields, file, nil
		}
		if err != nil {
			return fields, nil, late(err, unread)
		}
		most := int64(maxForm - words)
		if part.FormName() == "photo" {
			most = photo.MaxBytes
		}
		b, err := io.ReadAll(io.LimitReader(part, most+1))
		if err != nil {
			return fields, nil, late(err, unread)
		}
		switch {
		case int64(len(b)) > most && part.FormName() == "photo":
			return fields, nil, photo.ErrTooLarge
		case int64(len(b)) > most:
			return fields, nil, unread
		case part.FormName() == "photo":
			file = b
		default:
			words += len(b)
			fields[part.FormName()] = string(b)
		}
	}
}

// late tells a body that did not arrive in time, or is too long, from one that
// cannot be read.
func late(err, otherwise error) error {
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return photo.ErrTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuse(errBadRequest, "body", "did not arrive within "+uploadTime.String(), "send it again over a better line, or without the photo")
	}
	return otherwise
}

// photoOf makes a file ready to be shown; nil where there is none.
func (s *Server) photoOf(ctx context.Context, file []byte, alt string) (*alerts.Photo, error) {
	if len(file) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, photoTime)
	defer cancel()
	p, err := s.reader.Read(ctx, file)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(p.JPEG)
	return &alerts.Photo{Digest: alerts.Digest(hex.EncodeToString(sum[:])), Width: p.Width, Height: p.Height, Alt: alt, JPEG: p.JPEG}, nil
}

// photoProblem says what is wrong with a photo, for programs; other errors stay as
// they are.
func photoProblem(err error) error {
	switch {
	case errors.Is(err, photo.ErrHEIC):
		return refuse(alerts.ErrInvalid, "photo", "is in HEIC format", "send it as JPEG: on an iPhone choose Settings, Camera, Formats, Most Compatible")
	case errors.Is(err, photo.ErrTooLarge):
		return refuse(alerts.ErrInvalid, "photo", "has more than 15 MB or too many pixels", "send a smaller picture")
	case errors.Is(err, photo.ErrFormat):
		return refuse(alerts.ErrInvalid, "photo", "is no JPEG, PNG or WebP", "send one of those")
	case errors.Is(err, photo.ErrBroken):
		return refuse(alerts.ErrInvalid, "photo", "cannot be read to its end", "send it again")
	case errors.Is(err, errUploads), errors.Is(err, context.DeadlineExceeded):
		return &alerts.Refusal{Kind: alerts.ErrUnavailable, Problems: alerts.Problems{{Field: "photo", Problem: "has to wait: too many are coming in", Hint: "send it again in a moment"}}, Retry: 5 * time.Second}
	}
	return err
}
