package lawtest

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// mutant is a broken variant of the program.
type mutant struct {
	name     string
	file     string // below the module's root
	old, new string
}

// mutants are variants of the program that each lose, double or miscount something.
var mutants = []mutant{
	{"an item is acknowledged whatever became of it", "run.go", "	r.settle(ctx, item, err)\n	for _, h", "	r.settle(ctx, item, nil)\n	for _, h"},
	{"a reading that breaks off counts as the end", "run.go", "			return h.abandon(ctx, place, err)\n		}\n		if h.pause", "			return nil\n		}\n		if h.pause"},
	{"a dead letter that cannot be stored is forgotten", "run.go", "	if err := store.Put(ctx, b.held...); err != nil {\n		return &LetterError{Err: err}\n	}", "	_ = store.Put(ctx, b.held...)"},
	{"a record that is too long is passed over", "run.go", "		if err := h.record(ctx, d, s, err); err != nil {", "		if s.Unread {\n			continue\n		}\n		if err := h.record(ctx, d, s, err); err != nil {"},
	{"a record without an index loses the id of its document", "run.go", "		ID: string(re.ID), Reason: re.Reason,", "		Reason: re.Reason,"},
	{"a letter does not say for which domain it is", "run.go", "Source: place, Domain: h.Domain, Index: r.Index,", "Source: place, Index: r.Index,"},
	{"fewer items than documents are taken for all", "bulk/send.go", "case n != len(b.docs):", "case n > len(b.docs):"},
	{"items about other documents are believed", "bulk/send.go", "	case mismatch:", "	case mismatch && len(b.docs) == 0:"},
	{"a truncated answer is believed as far as it goes", "bulk/response.go", "	if err != nil || !found || s.at != len(s.b) {", "	if !found {"},
	{"items that the domain throttled are not sent again", "bulk/send.go", "		case retry, throttled, blocked, suspect, unknown:\n			return true", "		case retry, blocked, suspect, unknown:\n			return true"},
	{"a passing failure of an item is taken for its last word", "bulk/classify.go", "	{0, \"node_not_connected_exception\", \"\", retry,", "	{0, \"node_not_connected_exception\", \"\", poison,"},
	{"what was there already counts as delivered", "bulk/classify.go", "	{409, \"version_conflict_engine_exception\", \"\", duplicate,", "	{409, \"version_conflict_engine_exception\", \"\", delivered,"},
	{"documents are written with index instead of create", "bulk/batch.go", "newAction(\"create\", b.indexes[i], cfg), ", "newAction(\"index\", b.indexes[i], cfg), "},
	{"a request body is used again while the transport may read it", "bulk/send.go", "	if b.lease.free() && (b.alone", "	if (b.alone"},
	{"the record in hand at a panic is in no count", "run.go", "		c.Unacknowledged += c.Records - (c.Delivered + c.Duplicate + c.DeadLettered + c.Dropped + c.Unacknowledged)\n", ""},
	{"a body that ends early is the whole object", "source/read.go", "		case r.at == r.total:\n", "		case r.at == r.total || errors.Is(err, io.EOF):\n"},
	{"a length that is too small is believed", "source/read.go", "		r.total = r.ref.Size\n", "		_ = r.ref.Size\n"},
	{"a page of HTML is an object", "source/read.go", "	if etag == \"\" {\n", "	if false {\n"},
	{"a checksum that does not match is no error", "source/sum.go", "!bytes.Equal(got, s.want) {", "!bytes.Equal(got, s.want) && false {"},
	{"the second reading of an altered object adds its documents", "run.go", "	doc.Replace = h.altered != nil\n", ""},
	{"a second reading that fails is taken for done", "run.go", "		err = errors.New(\"paused\") // to go on from there would not replace the rest\n	}\n	return err\n", "		err = errors.New(\"paused\") // to go on from there would not replace the rest\n	}\n	_ = err\n	return nil\n"},
	{"the first half of a request that is too large is forgotten", "bulk/batch.go", "{b.pick(0, half, nil), b.pick(half", "{b.pick(half"},
	{"the refusals of an index are dead letters", "bulk/classify.go", "	{0, \"index_closed_exception\", \"\", indexFault,", "	{0, \"index_closed_exception\", \"\", poison,"},
	{"a document that the domain dropped counts as delivered", "bulk/classify.go", "		return dropped // create", "		return delivered // create"},
	{"a document that fails by itself is sent again for ever", "bulk/send.go", "e.rounds >= suspectRounds && others", "e.rounds >= suspectRounds && !others"},
	{"documents beside a malformed one are dead letters", "bulk/send.go", "	return round{parts: b.halves()}\n}", "	return w.rejectAll(b, e)\n}"},
	{"a malformed document is forgotten", "bulk/send.go", "		w.rejectAll(l.batch, l.err)\n", "		s := newSettlement(w, l.batch)\n		s.counted(0, delivered)\n		s.done()\n"},
	{"the brake stores the letters that it holds back", "run.go", "	mayStore := failed == nil\n", "	mayStore := true\n"},
	{"the brake sends what did not match the format", "run.go", "held = hold && !h.object.Once", "held = !hold && !h.object.Once"},
	{"what the brake held back is forgotten", "run.go", "	unknown, unstored := d.added-out.Known()+int64(len(d.held)), out.Rejected-stored\n", "	d.held = nil\n	unknown, unstored := d.added-out.Known(), out.Rejected-stored\n"},
}

// more are variants that the law does not meet, or holds for because they are only slow or loud: the tests of a package catch them.
var more = []struct {
	pkg, test string
	mutant
}{
	{".", "Altered", mutant{"an altered object is not read again", "run.go", "if altered, ok := errors.AsType[*AlteredError](h.err); ok {", "if altered, ok := errors.AsType[*AlteredError](h.err); ok && false {"}},
	{".", "Altered", mutant{"letters of an altered reading are stored", "run.go", "	b.held, b.size, b.void = nil, 0, true\n", ""}},
	{".", "Altered", mutant{"what looks corrupt is not read to its end", "run.go", "	if h.summed {\n		//", "	if false {\n		//"}},
	{"./source", "Checksum", mutant{"a sum begins anew with each answer", "source/read.go", "	r.body, r.cancel = out.Body, cancel\n", "	r.body, r.cancel, r.sum = out.Body, cancel, promised(out)\n"}},
	{"./source", "AnObjectIsRead", mutant{"more bytes than the object has are taken for it", "source/read.go", "		if left := r.total - r.at; int64(n) > left {", "		if left := r.total - r.at; int64(n) > left && false {"}},
	{"./source", "AnObjectIsRead", mutant{"a longer answer than the listing says is believed", "source/read.go", "	case length > r.total:", "	case length > r.total && false:"}},
	{"./source", "ALength", mutant{"an object without a length ends where its body does", "source/read.go", "	case r.total < 0:", "	case false:"}},
	{"./source", "AListing", mutant{"a page without Name is a page", "source/s3.go", "	case aws.ToString(name) == \"\":", "	case false:"}},
	{"./source", "AListing", mutant{"a page without IsTruncated is the last", "source/s3.go", "	case truncated == nil:\n		lacks = \"IsTruncated\"\n", "	case truncated == nil:\n		return nil\n"}},
	{"./source", "AListing", mutant{"a page without a token is the last", "source/s3.go", "	case *truncated && aws.ToString(token) == \"\":", "	case false:"}},
	{"./source", "InCircles", mutant{"a listing is followed in circles", "source/s3.go", "	if token == c.token {", "	if false {"}},
	{"./sigv4", "BreaksOff", mutant{"a body that breaks off is signed", "sigv4/payload.go", "	if err != nil && err != io.EOF {", "	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {"}},
	{"./bulk", "TestAnswersThatNoNodeHereGives", mutant{"a conflict with somebody else's document is a duplicate", "bulk/classify.go", "	{409, \"\", \"\", poison,", "	{409, \"\", \"\", duplicate,"}},
	{"./bulk", "TestACollectionThatTakesNoIDs", mutant{"documents refused for their ids are dead letters", "bulk/classify.go", "\"^Document ID is not supported\", noIDs,", "\"^Document ID is not supported\", poison,"}},
	{"./bulk", "TestTheAnswersOfRealNodesAreTakenForWhatTheyMean", mutant{"a wrong mapping of @timestamp is the records' fault", "bulk/classify.go", "	if isTimestampMapping(kind, e) {", "	if false {"}},
	{"./bulk", "TestAnswersThatNoNodeHereGives", mutant{"what a document quotes decides about its index", "bulk/classify.go", "		return strings.HasPrefix(reason, beginning)", "		return strings.Contains(reason, beginning)"}},
	{"./bulk", "TestAnIndexThatTakesNothingIsLeftAlone", mutant{"an index that takes nothing is sent more", "bulk/writer.go", "	w.unfit[index] = e\n", ""}},
	{"./bulk", "TestDocumentsInHandForAnIndexThatTakesNothingAreGivenBack", mutant{"documents in hand for such an index are sent", "bulk/send.go", "		if b = w.sift(b); b == nil {", "		if b == nil {"}},
	{"./bulk", "TestARequestRefusedForOneDocumentIsHalved", mutant{"a domain that refuses everything fills the dead letters", "bulk/send.go", "		if !n.taken && !w.hasAnswered() && !wholeFaults", "		if !n.taken && false && !wholeFaults"}},
	{"./bulk", "TestSomethingInBetweenIsNoWrongAddress", mutant{"a redirect in mid-run is a wrong address", "bulk/send.go", "	if e.Kind == domain.NotADomain && w.isKnown() {", "	if e.Kind == domain.NotADomain && !w.isKnown() {"}},
	{"./bulk", "TestSomethingInBetweenIsNoWrongAddress", mutant{"a request that took too long is a bad one", "domain/error.go", " || status == http.StatusRequestTimeout", ""}},
	{"./domain", "TestOnlySilenceIsCutOff", mutant{"silence is waited for", "domain/conn.go", "			if silent < c.stall-c.stall/(2*stallSteps) {", "			if silent < time.Hour {"}},
	{"./domain", "TestOnlySilenceIsCutOff", mutant{"a slow way is taken for silence", "domain/conn.go", "			c.last.Store(int64(now))\n", ""}},
	{"./bulk", "TestADocumentThatTheDomainDropsIsCountedAsDropped", mutant{"a noop of the index action counts as replaced", "bulk/classify.go", "(create || it.noop)", "create"}},
	{".", "TestWhatTheBrakeHoldsBackIsBounded", mutant{"what is held back is not bounded", "brake.go", "	if b.bytes > maxBraked {", "	if false {"}},
	{".", "TestTheBrakeIsLetGoInTheMiddleOfAnObject", mutant{"a brake that is let go in mid-object holds on", "run.go", "	if len(d.held) > 0 && !h.brake.holds() {", "	if false {"}},
	{"./bulk", "TestAFailureOfOneDocument", mutant{"a document that fails once is a dead letter", "bulk/send.go", "const suspectRounds = 3", "const suspectRounds = 1"}},
	{"./internal/lawtest", "TestFilesLaw", mutant{"what a generation begins with is known by itself", "format/internal/entry/content.go", "	if c.at < c.dated {", "	if false {"}},
	{"./internal/lawtest", "TestFilesLaw", mutant{"a rotated file is another file", "source/place.go", "	return dir + name\n", "	return dir + filepath.Base(path)\n"}},
	{"./internal/lawtest", "TestFilesLaw", mutant{"a line that is being written is a record", "format/internal/entry/window.go", "		if w.last == '\\n' {", "		if true {"}},
	{"./internal/lawtest", "TestFilesLaw", mutant{"a file without a line with a time is named by a guess", "format/internal/entry/content.go", "	if growing := r.Growing(); growing != nil {", "	if growing := r.Growing(); false {"}},
	{"./internal/lawtest", "TestFilesLaw", mutant{"a .gz that is being written is a dead letter", "decode/decode.go", "	if g := o.source.growing; g != nil {", "	if g := o.source.growing; g != nil && false {"}},
	{"./format", "TestABrokenReadingOfAFileIsNoEnd", mutant{"a cut .gz ends with its last whole line", "format/internal/entry/window.go", "; ok && growing.What == \"\" {", "; ok {"}},
	{"./lambda", "TestBatchOperationsGiveUpOnly", mutant{"a failure of the whole run is the task's own", "lambda/answer.go", " && !penstock.IsFatal(err)", " || penstock.IsFatal(err)"}},
	{"./lambda", "TestTheReserveBeforeTheDeadline", mutant{"nothing is reserved before a deadline", "lambda/deadline.go", "pause: deadline.Add(-reserve),", "pause: deadline,"}},
	{"./guard", "TestNobodyActsAsSomebodyElse", mutant{"a client may act as somebody else", "guard/forward.go", "strings.Contains(lower, \"impersonate\"), ", ""}},
	{"./format", "TestFormatsThatAnybodyWrites", mutant{"text tells who wrote it", "format/text.go", "grammar: multiline.Text{}, generic: true,", "grammar: multiline.Text{},"}},
	{"./engine", "TestAnOperatorSaysWhether", mutant{"of words that are all wanted one will do", "engine/clauses.go", "			q.and = true\n", "			q.and = false\n"}},
	{"./cloudwatch", "TestWhatIsTooLong", mutant{"an event that is too long takes its payload along", "cloudwatch/payload.go", "		case errors.Is(err, errLong):\n			more", "		case false:\n			more"}},
	{"./internal/function", "TestAParameterIsAskedForAgain", mutant{"a parameter is asked for once", "internal/function/config.go", "		if err == nil || !again ||", "		if true || err == nil || !again ||"}},
	{"./decode", "TestAnIdleCompressedStream", mutant{"what is decoded waits for more of a compressed pipe", "decode/decode.go", "	case o.live:", "	case false:"}},
	{"./format", "TestAnIdleStreamHoldsNoRecordBack", mutant{"the last event waits for the next line for ever", "format/internal/entry/lines.go", "		if from > 0 && r.Linger > 0 {", "		if false {"}},
	{"./source", "TestAFileWithManyNames", mutant{"a linked file has the name that is met first", "source/files.go", "	if linked {\n		f = ", "	if linked && false {\n		f = "}},
	{"./source", "TestRotationWhile", mutant{"what a rotation has moved is not looked for", "source/files.go", "	if !w.rescan || modified", "	if true || modified"}},
	{"./source", "TestATruncatedFile", mutant{"what a truncated file is filled with passes for its rest", "source/files.go", "	if len(r.head) == 0 {\n		return nil", "	if true {\n		return nil"}},
	{"./source", "TestAStreamThatIsWaitedForEndsWithTheTaking", mutant{"a signal waits for a pipe", "source/live.go", "	case <-l.take.Done():", "	case <-make(chan bool):"}},
	{"./shape", "TestAFilesOwnDate", mutant{"the day on which a file was written to chooses an index", "shape/pattern.go", "		if !dated {\n			n.undate()", "		if false {\n			n.undate()"}},
}

// TestBrokenVariantsAreCaught shows that the law can fail: it breaks the program in one place at a time and runs TestLaw.
func TestBrokenVariantsAreCaught(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the package once for each broken variant: left out with -short")
	}
	root := moduleRoot(t)
	var runs []func(t *testing.T)
	for _, m := range mutants {
		runs = append(runs, func(t *testing.T) { m.isCaught(t, root, "./internal/lawtest", "-run=^TestLaw$", "-seeds=600") })
	}
	for _, m := range more {
		runs = append(runs, func(t *testing.T) { m.isCaught(t, root, m.pkg, "-run="+m.test) })
	}
	if os.Getenv("PENSTOCK_TEST_FULL") == "" {
		const sample = 10
		seed := uint64(time.Now().UnixNano())
		if text := os.Getenv("PENSTOCK_TEST_SEED"); text != "" {
			var err error
			if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("%d of %d variants, drawn by PENSTOCK_TEST_SEED=%d; make variants runs all", sample, len(runs), seed)
		r := rand.New(rand.NewPCG(seed, 0))
		r.Shuffle(len(runs), func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
		runs = runs[:sample]
	}
	for _, run := range runs {
		run(t)
	}
}

// A variant that no longer fits the code would say nothing of it.
func TestVariantsFollowTheCode(t *testing.T) {
	t.Parallel()
	root := moduleRoot(t)
	for _, m := range mutants {
		m.overlay(t, root)
	}
	for _, m := range more {
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
		cmd := exec.Command("go", append([]string{"test", "-overlay=" + m.overlay(t, root), "-count=1", "-failfast", "-timeout=2m", pkg}, args...)...)
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
