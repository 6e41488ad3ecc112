package main

import (
	"fmt"
	"path"
	"strings"
	"time"

	"martinella/broadcast/backup"
	"martinella/broadcast/backup/folder"
	"martinella/broadcast/backup/s3"
	"martinella/broadcast/backup/sftp"
	"martinella/broadcast/rdb"
)

// BackupConfig is a place for encrypted backups: a folder, an SFTP server or a
// store that speaks S3.
type BackupConfig struct {
	Name   string        `yaml:"name"`
	Folder string        `yaml:"folder"`
	SFTP   SFTPConfig    `yaml:"sftp"`
	S3     S3Config      `yaml:"s3"`
	Every  time.Duration `yaml:"every"` // 0: 1h
	Keep   KeepConfig    `yaml:"keep"`
}

// SFTPConfig is a machine that is reached by SSH.
type SFTPConfig struct {
	Address        string `yaml:"address"` // host:port
	User           string `yaml:"user"`
	Folder         string `yaml:"folder"` // on the other machine
	KeyFile        string `yaml:"key_file"`
	KnownHostsFile string `yaml:"known_hosts_file"`
}

// S3Config is a bucket.
type S3Config struct {
	Endpoint   string `yaml:"endpoint"` // https://s3.example
	Region     string `yaml:"region"`
	Bucket     string `yaml:"bucket"`
	Prefix     string `yaml:"prefix"` // of all names
	KeyID      string `yaml:"access_id"`
	SecretFile string `yaml:"secret_file"`
}

// KeepConfig is how many backups stay, the newest of each hour, day and week;
// nothing said: 48, 30 and 12.
type KeepConfig struct {
	Hourly int `yaml:"hourly"`
	Daily  int `yaml:"daily"`
	Weekly int `yaml:"weekly"`
}

// The limits of how often a backup is made, and of how many stay.
const (
	leastEvery = 5 * time.Minute
	mostEvery  = 24 * time.Hour
	mostKept   = 10_000
)

// backupRules checks the places of backups.
func (c *Config) backupRules(say sayFunc) {
	names, places := map[string]bool{}, map[string]bool{}
	if len(c.Backup) > 0 && c.Redis.URL == rdb.Memory {
		say("backup", "has nothing to keep: redis is memory", "use embedded or a URL, or leave backup out")
	}
	for i := range c.Backup {
		b := &c.Backup[i]
		at := fmt.Sprintf("backup[%d]", i)
		switch {
		case !slugForm.MatchString(b.Name):
			say(at+".name", "is "+quoted(b.Name), "2 to 32 of a-z, 0-9 and -, like nas; it stands in metrics")
		case names[b.Name]:
			say(at+".name", "is "+quoted(b.Name)+", which another place has", "give every place its own name")
		}
		names[b.Name] = true
		if d := b.Every; d != 0 && (d < leastEvery || d > mostEvery) {
			say(at+".every", "is "+d.String(), "a time from "+leastEvery.String()+" to "+mostEvery.String()+"; leave it out for 1h")
		}
		for name, n := range map[string]int{"hourly": b.Keep.Hourly, "daily": b.Keep.Daily, "weekly": b.Keep.Weekly} {
			if n < 0 || n > mostKept {
				say(at+".keep."+name, fmt.Sprintf("is %d", n), fmt.Sprintf("0 to %d; leave keep out for 48 hourly, 30 daily and 12 weekly ones", mostKept))
			}
		}
		place := b.where()
		_, wrong := b.place()
		switch ways := b.ways(); {
		case ways != 1:
			say(at, "needs one of folder, sftp and s3", "name one place in each entry: folder: /mnt/nas/martinella")
		case places[place]:
			say(at, "is where other backups are", "name every place once")
		case b.Folder != "" && overlap(b.Folder, c.Data) != "":
			say(at+".folder", overlap(b.Folder, c.Data), "what destroys the one destroys the other: name a folder of another disk or machine")
		case b.S3 != S3Config{} && strings.HasPrefix(b.S3.Endpoint, "http://") && !onLoopback(b.S3.Endpoint):
			say(at+".s3.endpoint", "is not encrypted", "write https://")
		case b.S3 != S3Config{} && wrong != nil:
			say(at+".s3", "is not complete: "+wrong.Error(), "it needs endpoint (https://s3.example), bucket, access_id and secret_file")
		case wrong != nil:
			say(at+".sftp", "is not complete: "+plainPathError(wrong), "it needs address (host:port), user, folder, key_file and known_hosts_file (ssh-keyscan writes it; compare the key with the machine's keeper)")
		}
		places[place] = true
	}
}

// ways is how many places an entry names.
func (b *BackupConfig) ways() (n int) {
	for _, asked := range []bool{b.Folder != "", b.SFTP != SFTPConfig{}, b.S3 != S3Config{}} {
		if asked {
			n++
		}
	}
	return n
}

// where tells two places apart.
func (b *BackupConfig) where() string {
	switch {
	case b.SFTP != SFTPConfig{}:
		return "sftp " + b.SFTP.Address + " " + path.Clean(b.SFTP.Folder)
	case b.S3 != S3Config{}:
		return "s3 " + strings.TrimRight(b.S3.Endpoint, "/") + " " + b.S3.Bucket + " " + b.S3.Prefix
	}
	return "folder " + resolved(b.Folder)
}

// place is where the backups go.
func (b *BackupConfig) place() (backup.Place, error) {
	switch {
	case b.SFTP != SFTPConfig{}:
		return sftp.New(sftp.Config{Address: b.SFTP.Address, User: b.SFTP.User, Folder: b.SFTP.Folder, KeyFile: b.SFTP.KeyFile, KnownHosts: b.SFTP.KnownHostsFile})
	case b.S3 != S3Config{}:
		secret, err := readPassword(b.S3.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("secret_file: %s", plainPathError(err))
		}
		return s3.New(s3.Config{Endpoint: b.S3.Endpoint, Region: b.S3.Region, Bucket: b.S3.Bucket, Prefix: b.S3.Prefix, KeyID: b.S3.KeyID, Secret: secret})
	}
	return folder.Folder{Dir: b.Folder}, nil
}

// spot is the place with its settings.
func (b *BackupConfig) spot() (backup.Spot, error) {
	p, err := b.place()
	return backup.Spot{Name: b.Name, Place: p, Every: b.Every, Keep: backup.Keep(b.Keep)}, err
}

// spots are all of them.
func (c *Config) spots() (all []backup.Spot, err error) {
	for i := range c.Backup {
		s, err := c.Backup[i].spot()
		if err != nil {
			return nil, fmt.Errorf("backup %s: %w", c.Backup[i].Name, err)
		}
		all = append(all, s)
	}
	return all, nil
}
