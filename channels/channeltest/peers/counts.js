// How long a text is, without our code: for each JSON line {"text", "sources"}
// of stdin it prints one line.
//   weighted, valid   X: the npm package twitter-text
//   graphemes         ICU, through Intl.Segmenter
//   bytes, utf16      of UTF-8; of UTF-16
//   chars             code points
//   linked            code points, each link counting 23, as Mastodon does
//   broken            the end of a line that is none of the sources' beginning:
//                     where something was cut within what a reader sees as one
//                     character; "" where nothing was
'use strict';

const readline = require('readline');
const twitter = require('twitter-text');
const parseTweet = twitter.parseTweet || twitter.default.parseTweet;

const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });
const graphemes = (text) => Array.from(segmenter.segment(text), (s) => s.segment);

// linked counts without a pattern for a whole text: word by word.
function linked(text) {
  let n = 0;
  for (const piece of text.split(/(\s+)/u)) {
    const at = piece.search(/https?:\/\/[^<>"]/u);
    n += at < 0 ? [...piece].length : [...piece.slice(0, at)].length + 23;
  }
  return n;
}

// broken looks whether the last graphemes of each line stand in one of the
// sources, beginning and ending where a grapheme of that source does.
function broken(text, sources) {
  const starts = new Map();
  const startsOf = (source) => {
    if (!starts.has(source)) {
      starts.set(source, new Set([...Array.from(segmenter.segment(source), (s) => s.index), source.length]));
    }
    return starts.get(source);
  };
  for (let line of text.split('\n')) {
    line = line.replace(/\.+$/u, '').trimEnd();
    const tail = graphemes(line.slice(-200)).slice(-8).join('');
    const stands = (source) => {
      for (let at = source.indexOf(tail); at >= 0; at = source.indexOf(tail, at + 1)) {
        if (startsOf(source).has(at) && startsOf(source).has(at + tail.length)) return true;
      }
      return false;
    };
    if (!sources.some(stands)) return tail;
  }
  return '';
}

console.log(JSON.stringify({ ready: true, port: 0 }));
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const { text, sources } = JSON.parse(line);
  const tweet = parseTweet(text);
  console.log(JSON.stringify({
    weighted: tweet.weightedLength,
    valid: tweet.valid,
    graphemes: graphemes(text).length,
    bytes: Buffer.byteLength(text, 'utf8'),
    utf16: text.length,
    chars: [...text].length,
    linked: linked(text),
    broken: sources ? broken(text, sources) : '',
  }));
});
