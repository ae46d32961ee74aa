package source_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/source"
)

// openStdin returns the stream of a standard input that r is.
func openStdin(take context.Context, t *testing.T, r io.Reader, linger time.Duration) *penstock.Stream {
	t.Helper()
	for item, err := range source.Stdin(r, linger).Items(take) {
		if err != nil {
			t.Fatal(err)
		}
		stream, err := item.Objects[0].Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return stream
	}
	t.Fatal("no item")
	return nil
}

func TestStandardInputIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in, out := io.Pipe()
		go func() {
			w := bufio.NewWriterSize(out, 1000)
			for range 100_000 {
				_, _ = w.WriteString("line\n")
			}
			_ = w.Flush()
			_ = out.Close()
		}()
		stream := openStdin(t.Context(), t, in, time.Second)
		text, err := io.ReadAll(stream)
		if err != nil || len(text) != 500_000 {
			t.Errorf("%d bytes, error %v", len(text), err)
		}
		_ = stream.Close()
	})
}

func TestAnIdleStreamSaysSoAndGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in, out := io.Pipe()
		stream := openStdin(t.Context(), t, in, time.Second)
		buf := make([]byte, 10)
		began := time.Now()
		for range 3 {
			if n, err := stream.Read(buf); n != 0 || !errors.Is(err, penstock.ErrIdle) {
				t.Errorf("%d bytes, error %v", n, err)
			}
		}
		if idle := time.Since(began); idle > time.Second {
			t.Errorf("three times in %v", idle)
		}
		go func() { _, _ = io.WriteString(out, "x"); _ = out.Close() }()
		if n, err := stream.Read(buf); n != 1 || err != nil {
			t.Errorf("%d bytes, error %v", n, err)
		}
		if _, err := stream.Read(buf); !errors.Is(err, io.EOF) {
			t.Errorf("error %v at the end", err)
		}
		_ = stream.Close()
	})
}

// The first signal ends the taking, whatever a read is waiting for; what was read comes before the end.
func TestAStreamThatIsWaitedForEndsWithTheTaking(t *testing.T) {
	t.Parallel()
	for name, given := range map[string]string{"idle": "", "some bytes": "a\nb\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				take, stop := context.WithCancel(t.Context())
				in, out := io.Pipe()
				stream := openStdin(take, t, in, 0)
				go func() { _, _ = io.WriteString(out, given) }()
				go func() {
					time.Sleep(time.Minute)
					stop()
				}()
				began := time.Now()
				text, err := io.ReadAll(stream)
				if _, ok := errors.AsType[*penstock.InterruptedError](err); !ok || string(text) != given {
					t.Errorf("%q, error %v", text, err)
				}
				if took := time.Since(began); took > time.Minute+time.Second {
					t.Errorf("ended after %v", took)
				}
				_ = stream.Close()
				_ = out.Close()
			})
		})
	}
}

func TestAStreamThatIsWaitedForEndsWithTheWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in, out := io.Pipe()
		work, stop := context.WithCancelCause(context.Background())
		defer stop(nil)
		for item := range source.Stdin(in, 0).Items(t.Context()) {
			stream, err := item.Objects[0].Open(work)
			if err != nil {
				t.Fatal(err)
			}
			over := errors.New("over")
			go stop(over)
			if _, err := stream.Read(make([]byte, 10)); !errors.Is(err, over) {
				t.Errorf("error %v", err)
			}
			_ = stream.Close()
		}
		_ = out.Close()
	})
}
