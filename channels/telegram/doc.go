// Package telegram posts to a Telegram channel or group through a bot
// (core.telegram.org/bots/api).
//
// One post a language: a picture with the words below it, or words alone. A
// later revision answers the earlier post, a correction changes it, the current
// alert of extreme danger is pinned. A bot cannot read what it posted, so there
// is no looking for a post whose answer was lost: the package only says that it
// may have been taken. It knows nothing of what the broadcast does about that.
//
// The library builds requests and reads answers; every call goes through
// [channels.Caller]. Start at [Channel].
package telegram
