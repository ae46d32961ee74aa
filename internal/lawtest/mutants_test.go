package lawtest

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/internal/realtest"
)

// mutant is a broken variant of the program.
type mutant struct {
	name     string
	file     string // below the module's root
	old, new string
	// pkg and test say which tests catch the variant. Without them it is TestLaw.
	pkg, test string
}

// mutants are variants of the program that each lose, double or miscount something.
var mutants = []mutant{
	{
		name: "an item is acknowledged whatever became of it",
		file: "run.go",
		old:  "\tr.settle(ctx, item, err)\n\tfor _, h",
		new:  "\tr.settle(ctx, item, nil)\n\tfor _, h",
	},
	{
		name: "what is opened ahead and not begun is acknowledged",
		file: "run.go",
		old:  "\t\t\t\t\tr.settle(work, item, context.Cause(intake)) // not begun",
		new:  "\t\t\t\t\tr.settle(work, item, nil)",
	},
	{
		name: "a letter has whatever record is at its place by now",
		file: "recall.go",
		old:  "\t\tif h.sumOf(record.Raw) != one.Sum {",
		new:  "\t\tif false {",
	},
	{
		name: "a record that is read again is that of another letter",
		file: "recall.go",
		old:  "\t\tone.Letter.Raw = bytes.Clone(record.Raw)\n",
		new:  "\t\tone.Letter.Raw = bytes.TrimSpace(record.Raw)\n",
	},
	{
		name: "letters that wait for their records are forgotten",
		file: "recall.go",
		old:  "\tif len(rs) == 0 {\n\t\treturn nil\n",
		new:  "\tif true {\n\t\tfor _, r := range rs {\n\t\t\tr.letters.stored += int64(r.left)\n\t\t}\n\t\treturn nil\n",
	},
	{
		name: "a reading that breaks off counts as the end",
		file: "run.go",
		old: "\t\t\treturn h.abandon(ctx, place, d.brake, reading.Target, err)\n" +
			"\t\t}\n" +
			"\t\tif !s.Behind",
		new: "\t\t\treturn nil\n" +
			"\t\t}\n" +
			"\t\tif !s.Behind",
	},
	{
		name: "a dead letter that cannot be stored is forgotten",
		file: "run.go",
		old: "\tif err := store.Put(ctx, b.held...); err != nil {\n" +
			"\t\treturn &LetterError{Err: err}\n" +
			"\t}",
		new: "\t_ = store.Put(ctx, b.held...)",
	},
	{
		name: "a record that is too long is passed over",
		file: "run.go",
		old:  "\t\tif err := h.record(ctx, d, s, err); err != nil {",
		new: "\t\tif s.Unread {\n" +
			"\t\t\tcontinue\n" +
			"\t\t}\n" +
			"\t\tif err := h.record(ctx, d, s, err); err != nil {",
	},
	{
		name: "a record without an index loses the id of its document",
		file: "run.go",
		old:  "\t\tID: string(re.ID), Reason: re.Reason,",
		new:  "\t\tReason: re.Reason,",
	},
	{
		name: "a letter does not say for which domain it is",
		file: "run.go",
		old:  "Source: place, Domain: h.domain(r.Target), Index: r.Index,",
		new:  "Source: place, Index: r.Index,",
	},
	{
		name: "fewer items than documents are taken for all",
		file: "bulk/send.go",
		old:  "case n != len(b.docs):",
		new:  "case n > len(b.docs):",
	},
	{
		name: "items about other documents are believed",
		file: "bulk/send.go",
		old:  "\tcase mismatch:",
		new:  "\tcase mismatch && len(b.docs) == 0:",
	},
	{
		name: "a truncated answer is believed as far as it goes",
		file: "bulk/response.go",
		old:  "\tif err != nil || !found || s.at != len(s.b) {",
		new:  "\tif !found {",
	},
	{
		name: "items that the domain throttled are not sent again",
		file: "bulk/send.go",
		old:  "\t\tcase retry, throttled, blocked, suspect, unknown:\n\t\t\treturn true",
		new:  "\t\tcase retry, blocked, suspect, unknown:\n\t\t\treturn true",
	},
	{
		name: "a passing failure of an item is taken for its last word",
		file: "bulk/classify.go",
		old:  "\t{0, \"node_not_connected_exception\", \"\", retry,",
		new:  "\t{0, \"node_not_connected_exception\", \"\", poison,",
	},
	{
		name: "what was there already counts as delivered",
		file: "bulk/classify.go",
		old:  "\t{409, \"version_conflict_engine_exception\", \"\", duplicate,",
		new:  "\t{409, \"version_conflict_engine_exception\", \"\", delivered,",
	},
	{
		name: "documents are written with index instead of create",
		file: "bulk/batch.go",
		old:  "newAction(\"create\", index, cfg), ",
		new:  "newAction(\"index\", index, cfg), ",
	},
	{
		name: "a request body is used again while the transport may read it",
		file: "bulk/send.go",
		old:  "\tif keep && b.lease.free() {",
		new:  "\tif keep {",
	},
	{
		name: "the record in hand at a panic is in no count",
		file: "run.go",
		old: "\t\tc.Unacknowledged += c.Records - (c.Delivered + c.Duplicate + c.DeadLettered + c.Dropped + " +
			"c.Unacknowledged)\n",
	},
	{
		name: "a body that ends early is the whole object",
		file: "source/read.go",
		old:  "\t\tcase r.at == r.total:\n",
		new:  "\t\tcase r.at == r.total || errors.Is(err, io.EOF):\n",
	},
	{
		name: "a length that is too small is believed",
		file: "source/read.go",
		old:  "\t\tr.total = r.ref.Size\n",
		new:  "\t\t_ = r.ref.Size\n",
	},
	{
		name: "a page of HTML is an object",
		file: "source/read.go",
		old:  "\tif etag == \"\" {\n",
		new:  "\tif false {\n",
	},
	{
		name: "a checksum that does not match is no error",
		file: "source/sum.go",
		old:  "!bytes.Equal(got, s.want) {",
		new:  "!bytes.Equal(got, s.want) && false {",
	},
	{
		name: "the second reading of an altered object adds its documents",
		file: "run.go",
		old:  "\tdoc.Replace = doc.Replace || h.altered != nil\n",
	},
	{
		name: "a second reading that fails is taken for done",
		file: "run.go",
		old: "\t\terr = errors.New(\"paused\") // to go on from there would not replace the rest\n" +
			"\t}\n" +
			"\treturn err\n",
		new: "\t\terr = errors.New(\"paused\") // to go on from there would not replace the rest\n" +
			"\t}\n" +
			"\t_ = err\n" +
			"\treturn nil\n",
	},
	{
		name: "the first half of a request that is too large is forgotten",
		file: "bulk/batch.go",
		old:  "{b.pick(0, half, nil), b.pick(half",
		new:  "{b.pick(half",
	},
	{
		name: "the refusals of an index are dead letters",
		file: "bulk/classify.go",
		old:  "\t{0, \"index_closed_exception\", \"\", indexFault,",
		new:  "\t{0, \"index_closed_exception\", \"\", poison,",
	},
	{
		name: "a document that the domain dropped counts as delivered",
		file: "bulk/classify.go",
		old:  "\t\treturn dropped // create",
		new:  "\t\treturn delivered // create",
	},
	{
		name: "a document that fails by itself is sent again for ever",
		file: "bulk/send.go",
		old:  "e.rounds >= suspectRounds && others",
		new:  "e.rounds >= suspectRounds && !others",
	},
	{
		name: "documents beside a malformed one are dead letters",
		file: "bulk/send.go",
		old:  "\treturn round{parts: b.halves()}\n}",
		new:  "\treturn w.rejectAll(b, e)\n}",
	},
	{
		name: "a malformed document is forgotten",
		file: "bulk/send.go",
		old:  "\t\tw.rejectAll(l.batch, l.err)\n",
		new: "\t\ts := newSettlement(w, l.batch)\n" +
			"\t\ts.counted(0, delivered)\n" +
			"\t\ts.done()\n",
	},
	{
		name: "the brake stores the letters that it holds back",
		file: "run.go",
		old:  "\t\tmayStore, err = false, cmp.Or(err, stop)\n",
		new:  "",
	},
	{
		name: "the brake sends what did not match the format",
		file: "run.go",
		old:  "held = hold && !h.object.Once",
		new:  "held = !hold && !h.object.Once",
	},
	{
		name: "what the brake held back is forgotten",
		file: "run.go",
		old:  "\tunknown, unstored := d.added-out.Known()+int64(len(d.held)), out.Rejected-stored\n",
		new: "\td.held = nil\n" +
			"\tunknown, unstored := d.added-out.Known(), out.Rejected-stored\n",
	},
}

// more are variants that the law does not meet, or that break another promise. Tests of single packages catch them.
var more = []mutant{
	{
		name: "a letter of a record without an index forgets which rules have run",
		file: "rules/chain.go", pkg: "./internal/lawtest", test: "TestLawOfRules",
		old: "\tif failure != nil && (err == nil || ok && lacks.Document != nil) {",
		new: "\tif failure != nil && (err == nil || ok && lacks == nil) {",
	},
	{
		name: "a part of a record has a mark of another",
		file: "rules/split.go", pkg: "./internal/lawtest", test: "TestLawOfRules",
		old: "\te.failed = e.failed[:l.failed]\n",
	},
	{
		name: "parts of a record behind the second are lost",
		file: "read.go", pkg: "./internal/lawtest", test: "TestLawOfRules",
		old: "\t\t\tfor s.More {",
		new: "\t\t\tif s.More {",
	},
	{
		name: "a redaction passes over lists",
		file: "rules/redact.go", pkg: "./internal/lawtest", test: "TestLawOfRules",
		old: "\tif bytes.IndexByte(value, '[') < 0 {",
		new: "\tif true || bytes.IndexByte(value, '[') < 0 {",
	},
	{
		name: "what rules have changed is read again",
		file: "recall.go", pkg: ".", test: "TestARecordIsKeptWhere",
		old: " && r.redacts == nil\n",
		new: "\n",
	},
	{
		name: "what may change is read again",
		file: "recall.go", pkg: ".", test: "TestARecordIsKeptWhere",
		old: "r.Identity.Pinned() && ",
	},
	{
		name: "letters that wait are stored though the run was stopped",
		file: "recall.go", pkg: ".", test: "TestTheBrakeKeepsLetters",
		old: "\t\tif d.brake.failure() != nil {",
		new: "\t\tif false {",
	},
	{
		name: "an object whose letters have lost their records is held back",
		file: "recall.go", pkg: ".", test: "TestWhatCannotBeReadAgain",
		old: "\t\tif err := h.storeGone(ctx, r); err != nil {",
		new: "\t\tif err := error(nil); err != nil && h.storeGone(ctx, r) != nil {",
	},
	{
		name: "a letter whose record is gone replaces one that has it",
		file: "deadletter/read.go", pkg: "./deadletter", test: "TestALetterWithoutItsRecordReplacesNone",
		old: "\t\treturn old.gone // a letter that has its record stays\n",
		new: "\t\treturn true\n",
	},
	{
		name: "an altered object is not read again",
		file: "run.go", pkg: ".", test: "Altered",
		old: "if altered, ok := errors.AsType[*AlteredError](h.err); ok {",
		new: "if altered, ok := errors.AsType[*AlteredError](h.err); ok && false {",
	},
	{
		name: "letters of an altered reading are stored",
		file: "run.go", pkg: ".", test: "Altered",
		old: "\tb.held, b.size, b.void = nil, 0, true\n",
	},
	{
		name: "what looks corrupt is not read to its end",
		file: "run.go", pkg: ".", test: "Altered",
		old: "\tif h.summed {\n\t\t//",
		new: "\tif false {\n\t\t//",
	},
	{
		name: "a sum begins anew with each answer",
		file: "source/read.go", pkg: "./source", test: "Checksum",
		old: "\tr.body, r.cancel = out.Body, cancel\n",
		new: "\tr.body, r.cancel, r.sum = out.Body, cancel, promised(out)\n",
	},
	{
		name: "more bytes than the object has are taken for it",
		file: "source/read.go", pkg: "./source", test: "AnObjectIsRead",
		old: "\t\tif left := r.total - r.at; int64(n) > left {",
		new: "\t\tif left := r.total - r.at; int64(n) > left && false {",
	},
	{
		name: "a longer answer than the listing says is believed",
		file: "source/read.go", pkg: "./source", test: "AnObjectIsRead",
		old: "\tcase length > r.total:",
		new: "\tcase length > r.total && false:",
	},
	{
		name: "an object without a length ends where its body does",
		file: "source/read.go", pkg: "./source", test: "ALength",
		old: "\tcase r.total < 0:",
		new: "\tcase false:",
	},
	{
		name: "a page without Name is a page",
		file: "source/s3.go", pkg: "./source", test: "AListing",
		old: "\tcase aws.ToString(name) == \"\":",
		new: "\tcase false:",
	},
	{
		name: "a page without IsTruncated is the last",
		file: "source/s3.go", pkg: "./source", test: "AListing",
		old: "\tcase truncated == nil:\n" +
			"\t\tlacks = \"IsTruncated\"\n",
		new: "\tcase truncated == nil:\n" +
			"\t\treturn nil\n",
	},
	{
		name: "a page without a token is the last",
		file: "source/s3.go", pkg: "./source", test: "AListing",
		old: "\tcase *truncated && aws.ToString(token) == \"\":",
		new: "\tcase false:",
	},
	{
		name: "a listing is followed in circles",
		file: "source/s3.go", pkg: "./source", test: "InCircles",
		old: "\tif token == c.token {",
		new: "\tif false {",
	},
	{
		name: "a body that breaks off is signed",
		file: "sigv4/payload.go", pkg: "./sigv4", test: "BreaksOff",
		old: "\tif err != nil && err != io.EOF {",
		new: "\tif err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {",
	},
	{
		name: "a conflict with somebody else's document is a duplicate",
		file: "bulk/classify.go", pkg: "./bulk", test: "TestAnswersThatNoNodeHereGives",
		old: "\t{409, \"\", \"\", poison,",
		new: "\t{409, \"\", \"\", duplicate,",
	},
	{
		name: "documents refused for their ids are dead letters",
		file: "bulk/classify.go", pkg: "./bulk", test: "TestACollectionThatTakesNoIDs",
		old: "\"^Document ID is not supported\", noIDs,",
		new: "\"^Document ID is not supported\", poison,",
	},
	{
		name: "a wrong mapping of @timestamp is the records' fault",
		file: "bulk/classify.go", pkg: "./bulk", test: "TestTheAnswersOfRealNodesAreTakenForWhatTheyMean",
		old: "\tif isTimestampMapping(kind, e) {",
		new: "\tif false {",
	},
	{
		name: "what a document quotes decides about its index",
		file: "bulk/classify.go", pkg: "./bulk", test: "TestAnswersThatNoNodeHereGives",
		old: "\t\treturn strings.HasPrefix(reason, beginning)",
		new: "\t\treturn strings.Contains(reason, beginning)",
	},
	{
		name: "an index that takes nothing is sent more",
		file: "bulk/writer.go", pkg: "./bulk", test: "TestAnIndexThatTakesNothingIsLeftAlone",
		old: "\tw.unfit[index] = e\n",
	},
	{
		name: "documents in hand for such an index are sent",
		file: "bulk/send.go", pkg: "./bulk", test: "TestDocumentsInHandForAnIndexThatTakesNothingAreGivenBack",
		old: "\t\tif b = w.sift(b); b == nil {",
		new: "\t\tif b == nil {",
	},
	{
		name: "a domain that refuses everything fills the dead letters",
		file: "bulk/send.go", pkg: "./bulk", test: "TestARequestRefusedForOneDocumentIsHalved",
		old: "\t\tif !n.taken && !w.hasAnswered() && !wholeFaults",
		new: "\t\tif !n.taken && false && !wholeFaults",
	},
	{
		name: "a redirect in mid-run is a wrong address",
		file: "bulk/send.go", pkg: "./bulk", test: "TestSomethingInBetweenIsNoWrongAddress",
		old: "\tif e.Kind == domain.NotADomain && w.isKnown() {",
		new: "\tif e.Kind == domain.NotADomain && !w.isKnown() {",
	},
	{
		name: "a request that took too long is a bad one",
		file: "domain/error.go", pkg: "./bulk", test: "TestSomethingInBetweenIsNoWrongAddress",
		old: " || status == http.StatusRequestTimeout",
	},
	{
		name: "silence is waited for",
		file: "domain/conn.go", pkg: "./domain", test: "TestOnlySilenceIsCutOff",
		old: "\t\t\tif silent < c.stall-c.stall/(2*stallSteps) {",
		new: "\t\t\tif silent < time.Hour {",
	},
	{
		name: "a slow way is taken for silence",
		file: "domain/conn.go", pkg: "./domain", test: "TestOnlySilenceIsCutOff",
		old: "\t\t\tc.last.Store(int64(now))\n",
	},
	{
		name: "a noop of the index action counts as replaced",
		file: "bulk/classify.go", pkg: "./bulk", test: "TestADocumentThatTheDomainDropsIsCountedAsDropped",
		old: "(create || it.noop)",
		new: "create",
	},
	{
		name: "what one target stores lets the letters of another go",
		file: "brake.go", pkg: ".", test: "TestTheBrakeOfATargetIsItsOwn",
		old: "\tif b, ok := a.of[name]; ok {",
		new: "\tif b, ok := a.of[name]; ok && b == nil {",
	},
	{
		name: "what is held back is not bounded",
		file: "brake.go", pkg: ".", test: "TestWhatTheBrakeHoldsBackIsBounded",
		old: "return b.seen, b.bytes > b.bound",
		new: "return b.seen, false",
	},
	{
		name: "a brake that is let go in mid-object holds on",
		file: "run.go", pkg: ".", test: "TestTheBrakeIsLetGoInTheMiddleOfAnObject",
		old: "\tif len(d.held) > 0 && !d.brake.holds() {",
		new: "\tif false {",
	},
	{
		name: "a document that fails once is a dead letter",
		file: "bulk/send.go", pkg: "./bulk", test: "TestAFailureOfOneDocument",
		old: "const suspectRounds = 3",
		new: "const suspectRounds = 1",
	},
	{
		name: "what a generation begins with is known by itself",
		file: "format/internal/entry/content.go", pkg: "./internal/lawtest", test: "TestFilesLaw",
		old: "\tif c.at < c.dated {",
		new: "\tif false {",
	},
	{
		name: "a rotated file is another file",
		file: "source/place.go", pkg: "./internal/lawtest", test: "TestFilesLaw",
		old: "\treturn dir + name\n",
		new: "\treturn dir + filepath.Base(path)\n",
	},
	{
		name: "a line that is being written is a record",
		file: "format/internal/entry/window.go", pkg: "./internal/lawtest", test: "TestFilesLaw",
		old: "\t\tif w.last == '\\n' {",
		new: "\t\tif true {",
	},
	{
		name: "a file without a line with a time is named by a guess",
		file: "format/internal/entry/content.go", pkg: "./internal/lawtest", test: "TestFilesLaw",
		old: "\tif growing := r.Growing(); growing != nil {",
		new: "\tif growing := r.Growing(); false {",
	},
	{
		name: "a .gz that is being written is a dead letter",
		file: "decode/decode.go", pkg: "./internal/lawtest", test: "TestFilesLaw",
		old: "\tif g := o.source.growing; g != nil {",
		new: "\tif g := o.source.growing; g != nil && false {",
	},
	{
		name: "a cut .gz ends with its last whole line",
		file: "format/internal/entry/window.go", pkg: "./format", test: "TestABrokenReadingOfAFileIsNoEnd",
		old: "; ok && growing.What == \"\" {",
		new: "; ok {",
	},
	{
		name: "a failure of the whole run is the task's own",
		file: "lambda/answer.go", pkg: "./lambda", test: "TestBatchOperationsGiveUpOnly",
		old: " && !penstock.IsFatal(err)",
		new: " || penstock.IsFatal(err)",
	},
	{
		name: "nothing is reserved before a deadline",
		file: "lambda/deadline.go", pkg: "./lambda", test: "TestTheReserveBeforeTheDeadline",
		old: "pause: deadline.Add(-reserve),",
		new: "pause: deadline,",
	},
	{
		name: "a client may act as somebody else",
		file: "guard/forward.go", pkg: "./guard", test: "TestNobodyActsAsSomebodyElse",
		old: "strings.Contains(lower, \"impersonate\"), ",
	},
	{
		name: "text tells who wrote it",
		file: "format/text.go", pkg: "./format", test: "TestFormatsThatAnybodyWrites",
		old: "grammar: multiline.Text{}, generic: true,",
		new: "grammar: multiline.Text{},",
	},
	{
		name: "of words that are all wanted one will do",
		file: "engine/internal/query/match.go", pkg: "./engine", test: "TestAnOperatorSaysWhether",
		old: "\t\t\tq.and = true\n",
		new: "\t\t\tq.and = false\n",
	},
	{
		name: "an event that is too long takes its payload along",
		file: "cloudwatch/payload.go", pkg: "./cloudwatch", test: "TestWhatIsTooLong",
		old: "\t\tcase errors.Is(err, errLong):\n\t\t\tmore",
		new: "\t\tcase false:\n\t\t\tmore",
	},
	{
		name: "a parameter is asked for once",
		file: "pipeline/parameter.go", pkg: "./internal/function", test: "TestAParameterIsAskedForAgain",
		old: "\t\tif err == nil || !again ||",
		new: "\t\tif true || err == nil || !again ||",
	},
	{
		name: "what is decoded waits for more of a compressed pipe",
		file: "decode/decode.go", pkg: "./decode", test: "TestAnIdleCompressedStream",
		old: "\tcase o.live:",
		new: "\tcase false:",
	},
	{
		name: "the last event waits for the next line for ever",
		file: "format/internal/entry/lines.go", pkg: "./format", test: "TestAnIdleStreamHoldsNoRecordBack",
		old: "\t\tif from > 0 && r.Linger > 0 {",
		new: "\t\tif false {",
	},
	{
		name: "a linked file has the name that is met first",
		file: "source/files.go", pkg: "./source", test: "TestAFileWithManyNames",
		old: "\tif linked {\n\t\tf = ",
		new: "\tif linked && false {\n\t\tf = ",
	},
	{
		name: "what a rotation has moved is not looked for",
		file: "source/files.go", pkg: "./source", test: "TestRotationWhile",
		old: "\tif !w.rescan || modified",
		new: "\tif true || modified",
	},
	{
		name: "what a truncated file is filled with passes for its rest",
		file: "source/files.go", pkg: "./source", test: "TestATruncatedFile",
		old: "\tif len(r.head) == 0 {\n\t\treturn nil",
		new: "\tif true {\n\t\treturn nil",
	},
	{
		name: "a signal waits for a pipe",
		file: "source/live.go", pkg: "./source", test: "TestAStreamThatIsWaitedForEndsWithTheTaking",
		old: "\tcase <-l.take.Done():",
		new: "\tcase <-make(chan bool):",
	},
	{
		name: "what is opened ahead and not begun stays open",
		file: "ahead.go", pkg: ".", test: "TestWhatIsOpenedAheadAndNotBegun",
		old: "\tif stream, err, ok := e.take(); ok && err == nil {",
		new: "\tif stream, err, ok := e.take(); ok && err != nil {",
	},
	{
		name: "what is opened ahead and not begun is not given back",
		file: "run.go", pkg: ".", test: "TestWhatIsOpenedAheadAndNotBegun",
		old: "\t\t\t\t\tr.settle(work, item, context.Cause(intake)) // not begun\n",
		new: "",
	},
	{
		name: "an object that is longer than listed is cut",
		file: "ahead.go", pkg: ".", test: "TestAnObjectThatIsLongerThanListed",
		old: "Reader: io.MultiReader(bytes.NewReader(buf), r),",
		new: "Reader: bytes.NewReader(buf),",
	},
	{
		name: "what is read whole ahead has always come to its end",
		file: "ahead.go", pkg: ".", test: "TestAnAlteredObject",
		old: "\t\terr = w.err\n",
		new: "",
	},
	{
		name: "the day on which a file was written to chooses an index",
		file: "shape/pattern.go", pkg: "./shape", test: "TestAFilesOwnDate",
		old: "\t\tif !dated {\n\t\t\tn.undate()",
		new: "\t\tif false {\n\t\t\tn.undate()",
	},
}

// TestBrokenVariantsAreCaught shows that the law can fail: it breaks the program in one place at a time and runs
// TestLaw.
func TestBrokenVariantsAreCaught(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the package once for each broken variant: left out with -short")
	}
	root := moduleRoot(t)
	var runs []func(t *testing.T)
	for _, m := range mutants {
		runs = append(runs, func(t *testing.T) {
			m.isCaught(t, root, "./internal/lawtest", "-run=^TestLaw$", "-seeds=600")
		})
	}
	for _, m := range more {
		runs = append(runs, func(t *testing.T) { m.isCaught(t, root, m.pkg, "-run="+m.test) })
	}
	if os.Getenv("PENSTOCK_TEST_FULL") == "" {
		const sample = 10
		seed := realtest.Seed(t)
		t.Logf("%d of %d variants, drawn by PENSTOCK_TEST_SEED=%d; make variants runs all", sample, len(runs), seed)
		r := rand.New(rand.NewPCG(seed, 0))
		r.Shuffle(len(runs), func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
		runs = runs[:sample]
	}
	for _, run := range runs {
		run(t)
	}
}

// A variant has to fit the code, or it shows nothing.
func TestVariantsFollowTheCode(t *testing.T) {
	t.Parallel()
	root := moduleRoot(t)
	for _, m := range slices.Concat(mutants, more) {
		m.overlay(t, root)
	}
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// isCaught runs tests against the variant, one of which has to fail.
func (m mutant) isCaught(t *testing.T, root, pkg string, args ...string) {
	t.Helper()
	t.Run(strings.ReplaceAll(m.name, " ", "-"), func(t *testing.T) {
		test := []string{"test", "-overlay=" + m.overlay(t, root), "-count=1", "-failfast", "-timeout=2m", pkg}
		cmd := exec.Command("go", append(test, args...)...)
		cmd.Dir = root
		out, err := cmd.CombinedOutput()
		exit, ok := errors.AsType[*exec.ExitError](err)
		switch {
		case err == nil:
			t.Errorf("the tests pass for a program in which %s", m.name)
		case !ok || exit.ExitCode() != 1 || strings.Contains(string(out), "[build failed]"):
			t.Fatalf("%s: %v\n%s", cmd, err, out)
		}
	})
}

// overlay writes the variant of the file, and the map that tells the go command to use it.
func (m mutant) overlay(t *testing.T, root string) string {
	t.Helper()
	original := filepath.Join(root, filepath.FromSlash(m.file))
	text, err := os.ReadFile(original)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		t.Errorf("%s: %s has %q %d times, want once: the variant has to follow the code", m.name, m.file, m.old, n)
	}
	dir := t.TempDir()
	broken := filepath.Join(dir, filepath.Base(m.file))
	if err := os.WriteFile(broken, []byte(strings.Replace(string(text), m.old, m.new, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	plan, err := json.Marshal(map[string]any{"Replace": map[string]string{original: broken}})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, plan, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
