package smpp

import (
	"fmt"

	"martinella/channels"
)

// status is a command_status (SMPP 3.4 section 5.1.3).
type status uint32

// The statuses that the code speaks of by name.
const (
	statusOK                   status = 0x00
	statusInvalidMessageLength status = 0x01
	statusInvalidLength        status = 0x02
	statusInvalidCommand       status = 0x03
	statusSystemError          status = 0x08
	statusBindFailed           status = 0x0D
	statusInvalidPassword      status = 0x0E
	statusInvalidSystemID      status = 0x0F
	statusQueueFull            status = 0x14
	statusThrottled            status = 0x58
	statusInvalidExpiry        status = 0x62
	statusTemporary            status = 0x64 // of the receiving side: send it again later
	statusInvalidTLVs          status = 0xC0
	statusInvalidTLVLength     status = 0xC2
)

// statuses is the class table: what each answer of an SMSC decides. What is not
// in it (reserved and vendors' own codes) may mean anything, so it is
// uncertain.
var statuses = map[status]struct {
	name    string
	verdict channels.Verdict
}{
	statusOK:                   {"ESME_ROK", channels.VerdictAccepted},
	statusInvalidMessageLength: {"ESME_RINVMSGLEN", channels.VerdictPermanent},
	statusInvalidLength:        {"ESME_RINVCMDLEN", channels.VerdictPermanent},
	statusInvalidCommand:       {"ESME_RINVCMDID", channels.VerdictPermanent},
	0x04:                       {"ESME_RINVBNDSTS", channels.VerdictRetry}, // the bind was lost meanwhile
	0x05:                       {"ESME_RALYBND", channels.VerdictRetry},
	0x06:                       {"ESME_RINVPRTFLG", channels.VerdictPermanent},
	0x07:                       {"ESME_RINVREGDLVFLG", channels.VerdictPermanent},
	statusSystemError:          {"ESME_RSYSERR", channels.VerdictUncertain},
	0x0A:                       {"ESME_RINVSRCADR", channels.VerdictPermanent},
	0x0B:                       {"ESME_RINVDSTADR", channels.VerdictPermanent},
	0x0C:                       {"ESME_RINVMSGID", channels.VerdictPermanent},
	statusBindFailed:           {"ESME_RBINDFAIL", channels.VerdictUnauthorized},
	statusInvalidPassword:      {"ESME_RINVPASWD", channels.VerdictUnauthorized},
	statusInvalidSystemID:      {"ESME_RINVSYSID", channels.VerdictUnauthorized},
	0x11:                       {"ESME_RCANCELFAIL", channels.VerdictPermanent},
	0x13:                       {"ESME_RREPLACEFAIL", channels.VerdictPermanent},
	statusQueueFull:            {"ESME_RMSGQFUL", channels.VerdictRetry},
	0x15:                       {"ESME_RINVSERTYP", channels.VerdictPermanent},
	0x33:                       {"ESME_RINVNUMDESTS", channels.VerdictPermanent},
	0x34:                       {"ESME_RINVDLNAME", channels.VerdictPermanent},
	0x40:                       {"ESME_RINVDESTFLAG", channels.VerdictPermanent},
	0x42:                       {"ESME_RINVSUBREP", channels.VerdictPermanent},
	0x43:                       {"ESME_RINVESMCLASS", channels.VerdictPermanent},
	0x44:                       {"ESME_RCNTSUBDL", channels.VerdictPermanent},
	0x45:                       {"ESME_RSUBMITFAIL", channels.VerdictRetry},
	0x48:                       {"ESME_RINVSRCTON", channels.VerdictPermanent},
	0x49:                       {"ESME_RINVSRCNPI", channels.VerdictPermanent},
	0x50:                       {"ESME_RINVDSTTON", channels.VerdictPermanent},
	0x51:                       {"ESME_RINVDSTNPI", channels.VerdictPermanent},
	0x53:                       {"ESME_RINVSYSTYP", channels.VerdictUnauthorized},
	0x54:                       {"ESME_RINVREPFLAG", channels.VerdictPermanent},
	0x55:                       {"ESME_RINVNUMMSGS", channels.VerdictPermanent},
	statusThrottled:            {"ESME_RTHROTTLED", channels.VerdictRetry},
	0x61:                       {"ESME_RINVSCHED", channels.VerdictPermanent},
	statusInvalidExpiry:        {"ESME_RINVEXPIRY", channels.VerdictRetry}, // again, with the validity in another form
	0x63:                       {"ESME_RINVDFTMSGID", channels.VerdictPermanent},
	statusTemporary:            {"ESME_RX_T_APPN", channels.VerdictRetry},
	0x65:                       {"ESME_RX_P_APPN", channels.VerdictPermanent},
	0x66:                       {"ESME_RX_R_APPN", channels.VerdictPermanent},
	0x67:                       {"ESME_RQUERYFAIL", channels.VerdictRetry},
	statusInvalidTLVs:          {"ESME_RINVOPTPARSTREAM", channels.VerdictPermanent},
	0xC1:                       {"ESME_ROPTPARNOTALLWD", channels.VerdictPermanent},
	statusInvalidTLVLength:     {"ESME_RINVPARLEN", channels.VerdictPermanent},
	0xC3:                       {"ESME_RMISSINGOPTPARAM", channels.VerdictPermanent},
	0xC4:                       {"ESME_RINVOPTPARAMVAL", channels.VerdictPermanent},
	0xFE:                       {"ESME_RDELIVERYFAILURE", channels.VerdictUncertain},
	0xFF:                       {"ESME_RUNKNOWNERR", channels.VerdictUncertain},
}

func (s status) String() string {
	if known, has := statuses[s]; has {
		return fmt.Sprintf("%s (0x%02x)", known.name, uint32(s))
	}
	return fmt.Sprintf("status 0x%02x", uint32(s))
}

func (s status) verdict() channels.Verdict {
	if known, has := statuses[s]; has {
		return known.verdict
	}
	return channels.VerdictUncertain
}

// refusal is the error of a request that the SMSC answered with a status.
type refusal struct {
	command command
	status  status
}

func (r *refusal) Error() string {
	return fmt.Sprintf("the SMSC answered %s with %s", r.command, r.status)
}
