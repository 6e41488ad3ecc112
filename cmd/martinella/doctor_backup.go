package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"martinella/broadcast/backup"
)

// backups looks at the places, and at how old the last good one in each is.
func (d *doctor) backups(ctx context.Context, c *Config, s *store, now time.Time) {
	if at, err := s.LastRestored(ctx); err == nil && !at.At.IsZero() {
		d.note("restored", fmt.Sprintf("on %s, from a backup of %s", at.At.In(c.zone()).Format("2006-01-02 15:04"), at.Of.In(c.zone()).Format("2006-01-02 15:04")))
	}
	if len(c.Backup) == 0 && c.Mode == modeLive {
		d.note("backup", fmt.Sprintf("%s: %s", errNoPlaces, hintPlaces))
	}
	for i := range c.Backup {
		good, err := c.Backup[i].examine(ctx, c, s, now)
		d.say(checkBackup+c.Backup[i].Name, "backup "+c.Backup[i].Name, err, good)
	}
}

// examine reaches the place, and judges its last good backup.
func (b *BackupConfig) examine(ctx context.Context, c *Config, s *store, now time.Time) (string, error) {
	spot, err := b.spot()
	if err != nil {
		return "", err
	}
	one, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	names, err := spot.Place.List(one, backup.Prefix(c.Authority.Slug))
	if err != nil {
		return "", fmt.Errorf("the place cannot be read: %w", err)
	}
	state, err := s.BackupState(ctx, b.Name)
	if err != nil {
		return "", err
	}
	every := b.Every
	if every == 0 {
		every = backup.Every
	}
	switch {
	case state.Good.IsZero() && state.Error == "":
		return "", errors.New("there is no good one yet: martinella backup now makes one")
	case state.Old(now, every):
		return "", fmt.Errorf("the last good one is of %s; the last attempt says: %s", state.Good.In(c.zone()).Format("2006-01-02 15:04"), orNothing(state.Error))
	case state.Error != "":
		return "", fmt.Errorf("the last attempt failed: %s", state.Error)
	}
	return fmt.Sprintf("the last one is of %s, %s; %d files are there", state.Good.In(c.zone()).Format("2006-01-02 15:04"), howProved(state.How), len(names)), nil
}

func orNothing(text string) string {
	if text == "" {
		return "nothing; does the gateway run?"
	}
	return text
}
