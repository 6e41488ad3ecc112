#!/usr/bin/perl
# A second SMSC for tests, on another codec: Perl's Net::SMPP (Debian's
# libnet-smpp-perl). It listens on 127.0.0.1 and speaks as smsc.js does, one
# JSON object a line on stdout, and ends with its stdin:
#
#   {"ready":true,"port":40123}
#   {"bind":"transceiver","system_id":"gw","status":0}
#   {"submit":1,"seq":4,"src":"Comune",...,"octets":"050003070201...","validity_period":"...","status":0,"id":"p1001"}
#   {"receipt":"p1001","status":0}       the answer to a deliver_sm of ours
#   {"mo":"5349","status":0}             also; the text in hexadecimal
#   {"unbind":1}
#
# octets is short_message as it came, in hexadecimal. Destinations decide:
# ...429 is throttled twice and then taken, ...000 is an invalid address, ...500
# a system error, ...404 is taken and reported UNDELIV.
#
# Lines on stdin: {"mo":{"from":"39333...","to":"...","octets":"5349"}} sends a
# citizen's message, "esm_class" and "data_coding" beside if wanted;
# {"enquire":1} and {"nack":1} send an enquire_link and a generic_nack.
#
# Switches: --password P (default secret), --silent (submits get no answer).
use strict;
use warnings;

use Getopt::Long;
use IO::Select;
use JSON::PP;
use Net::SMPP;

# Net::SMPP's own names for these are not exported in all versions.
my %status = (ok => 0x00, system => 0x08, destination => 0x0B, password => 0x0E, throttled => 0x58);
my %command = (
    0x00000001 => 'receiver', 0x00000002 => 'transmitter', 0x00000009 => 'transceiver',
    0x00000004 => 'submit', 0x80000005 => 'delivered', 0x00000006 => 'unbind', 0x00000015 => 'enquire', 0x80000015 => 'alive',
);

my ($password, $silent) = ('secret', 0);
GetOptions('password=s' => \$password, 'silent' => \$silent) or die "usage: smsc.pl [--password P] [--silent]\n";

$| = 1;
$SIG{PIPE} = 'IGNORE';    # a gateway that hangs up is what some tests are about
my $json = JSON::PP->new->canonical;
sub say_line { print $json->encode({@_}), "\n" }

# Port 0: any free one. Net::SMPP announces what it does on stderr.
local $SIG{__WARN__} = sub { };
my $server = Net::SMPP->new_listen('127.0.0.1', port => 0, smpp_version => 0x34, async => 1)
    or die "listen: $!\n";
my $wait = IO::Select->new($server, \*STDIN);
my (%hears, %throttled, %sent);    # receivers by their file number; what waits for an answer by file number and sequence
my ($submits, $last_id, $typed) = (0, 1000, '');
say_line(ready => JSON::PP::true, port => $server->sockport);

while (1) {
    for my $from ($wait->can_read) {
        if ($from == \*STDIN) {
            exit 0 unless sysread STDIN, $typed, 65536, length $typed;
            while ($typed =~ s/^(.*)\n//) { told($json->decode($1)) }
        }
        elsif ($from == $server) {
            $wait->add($server->accept);
        }
        elsif (!serve($from)) {
            delete $hears{ fileno $from };
            $wait->remove($from);
            close $from;
        }
    }
}

# serve reads one PDU; false: the connection is over.
sub serve {
    my ($peer) = @_;
    my $pdu = $peer->read_pdu or return 0;
    my $what = $command{ $pdu->{cmd} } // '';
    if ($what =~ /^(?:receiver|transmitter|transceiver)$/) { return bound($peer, $pdu, $what) }
    if ($what eq 'submit')  { submitted($peer, $pdu) }
    if ($what eq 'enquire') { $peer->enquire_link_resp(seq => $pdu->{seq}) }
    if ($what eq 'alive')   { say_line(alive => 1) }
    if ($what eq 'unbind') {
        $peer->unbind_resp(seq => $pdu->{seq});
        say_line(unbind => 1);
        return 0;
    }
    if ($what eq 'delivered') {
        my $of = delete $sent{ fileno($peer) . '/' . $pdu->{seq} } // {};
        say_line(%$of, status => $pdu->{status} + 0);
    }
    return 1;
}

sub bound {
    my ($peer, $pdu, $kind) = @_;
    my $status = $pdu->{system_id} eq 'gw' && $pdu->{password} eq $password ? $status{ok} : $status{password};
    say_line(bind => $kind, system_id => $pdu->{system_id}, status => $status);
    my $answer = "bind_${kind}_resp";
    $peer->$answer(seq => $pdu->{seq}, status => $status, system_id => 'PERL');
    $hears{ fileno $peer } = $peer if $status == $status{ok} && $kind ne 'transmitter';
    return $status == $status{ok};
}

sub submitted {
    my ($peer, $pdu) = @_;
    my $to     = $pdu->{destination_addr};
    my $status = $status{ok};
    $status = $status{throttled}   if $to =~ /429$/ && ++$throttled{$to} <= 2;
    $status = $status{destination} if $to =~ /000$/;
    $status = $status{system}      if $to =~ /500$/;
    my $id = $status == $status{ok} ? 'p' . ++$last_id : '';
    say_line(
        submit => ++$submits, seq => $pdu->{seq},
        src => $pdu->{source_addr}, src_ton => $pdu->{source_addr_ton}, src_npi => $pdu->{source_addr_npi},
        dst => $to, dst_ton => $pdu->{dest_addr_ton}, dst_npi => $pdu->{dest_addr_npi},
        dcs => $pdu->{data_coding}, esm_class => $pdu->{esm_class}, octets => unpack('H*', $pdu->{short_message}),
        user_message_reference => defined $pdu->{user_message_reference} ? unpack('n', $pdu->{user_message_reference}) : undef,
        registered_delivery => $pdu->{registered_delivery}, validity_period => $pdu->{validity_period},
        status => $status, id => $id,
    );
    return if $silent;
    $peer->submit_sm_resp(seq => $pdu->{seq}, status => $status, message_id => $id);
    receipt($pdu, $id) if $id && $pdu->{registered_delivery} & 1;
}

sub receipt {
    my ($submit, $id) = @_;
    my $failed = $submit->{destination_addr} =~ /404$/;
    deliver(
        { receipt => $id },
        esm_class => 4, source_addr => $submit->{destination_addr}, source_addr_ton => 1, source_addr_npi => 1,
        destination_addr => $submit->{source_addr},
        short_message => "id:$id sub:001 dlvrd:" . ($failed ? '000' : '001') . ' submit date:2611211930 done date:2611211930 stat:'
            . ($failed ? 'UNDELIV err:027' : 'DELIVRD err:000') . ' text:x',
        receipted_message_id => "$id\0", message_state => pack('C', $failed ? 5 : 2),
    );
}

# deliver sends to whoever hears; the answer is printed with what it is of.
sub deliver {
    my ($of, @fields) = @_;
    my ($peer) = values %hears or return;
    my $seq = $peer->deliver_sm(@fields, async => 1);
    $sent{ fileno($peer) . '/' . $seq } = $of;
}

sub told {
    my ($line) = @_;
    my ($peer) = values %hears or return;
    if (my $mo = $line->{mo}) {
        deliver(
            { mo => $mo->{octets} },
            esm_class => $mo->{esm_class} // 0, data_coding => $mo->{data_coding} // 0,
            source_addr => $mo->{from}, source_addr_ton => 1, source_addr_npi => 1,
            destination_addr => $mo->{to}, short_message => pack('H*', $mo->{octets}),
        );
    }
    $peer->enquire_link(async => 1) if $line->{enquire};
    $peer->generic_nack(seq => 77, status => 3) if $line->{nack};
}
