// Package volunteers is the rules of calling volunteers out: who is on the
// roster and can do what, whom a call is for, in which order and when each of
// them is paged, what an answer means, who is still needed, and when nobody is
// to be paged any more.
//
// Everything here is pure: a time is an argument, nothing is stored, nothing
// leaves. It must not know how a page travels or where a call is kept:
// broadcast/callout carries calls, channels write pages, dashboards show them.
//
// Start at [Call], then [Answer] and [Leg].
package volunteers
