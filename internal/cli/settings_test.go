package cli

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/internal/settings"
)

var update = flag.Bool("update", false, "rewrite the generated pages")

func TestReferencePagesMatchTheSettingsTable(t *testing.T) {
	t.Parallel()
	schema, err := configurationSchema()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"configuration.md": configurationReference(), "configuration.schema.json": schema,
	} {
		path := filepath.Join("../../docs", name)
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s is not what the table says; run go test ./internal/cli -run Reference -update\n%s", path, diff)
		}
	}
}

// settingsCommand is a command with one setting of each kind.
func settingsCommand() (*cobra.Command, *struct {
	index   string
	workers int
	batch   int64
	linger  time.Duration
	noSign  bool
},
) {
	v := new(struct {
		index   string
		workers int
		batch   int64
		linger  time.Duration
		noSign  bool
	})
	cmd := &cobra.Command{Use: "probe"}
	cmd.Flags().String("config", "", "")
	f := settings.Flags{FlagSet: cmd.Flags()}
	f.Text(&v.index, "index")
	f.Number(&v.workers, "workers")
	f.Size(&v.batch, "batch-bytes")
	f.Duration(&v.linger, "linger")
	f.Boolean(&v.noSign, "no-sign")
	return cmd, v
}

func TestAFlagOverridesTheVariableTheFileAndTheDefault(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "penstock.json")
	text := `{"$schema": "x", "index": "file", "workers": 7, "batch_bytes": "2MiB", "no_sign": true}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"PENSTOCK_INDEX": "variable", "PENSTOCK_WORKERS": "9"}
	cmd, v := settingsCommand()
	if err := cmd.ParseFlags([]string{"--index", "flag", "--config", file}); err != nil {
		t.Fatal(err)
	}
	err := new(app).applySettings(cmd, func(name string) (string, bool) { s, ok := env[name]; return s, ok })
	if err != nil {
		t.Fatal(err)
	}
	if v.index != "flag" || v.workers != 9 || v.batch != 2<<20 || !v.noSign || v.linger != time.Second {
		t.Errorf("got %+v", *v)
	}
}

func TestRulesHaveALineEachInAVariableAndAPlaceInAListInAFile(t *testing.T) {
	t.Parallel()
	want := []string{"level=debug", "a=b and c=d"}
	file := filepath.Join(t.TempDir(), "penstock.json")
	if err := os.WriteFile(file, []byte(`{"drop": ["level=debug", "a=b and c=d"]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args     []string
		variable string
	}{
		{args: []string{"--drop", "level=debug", "--drop", "a=b and c=d"}, variable: "x=y"},
		{variable: "level=debug\r\n\n a=b and c=d \n"},
		{args: []string{"--config", file}},
	} {
		cmd := &cobra.Command{Use: "x"}
		cmd.Flags().String("config", "", "")
		var got []string
		settings.Flags{FlagSet: cmd.Flags()}.Rules(&got, "drop")
		if err := cmd.ParseFlags(test.args); err != nil {
			t.Fatal(err)
		}
		err := new(app).applySettings(cmd, func(name string) (string, bool) {
			if name == "PENSTOCK_DROP" && test.variable != "" {
				return test.variable, true
			}
			return "", false
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v, variable %q: got %q, error %v, want %q", test.args, test.variable, got, err, want)
		}
	}
}

func TestAWrongSettingNamesItsPlace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := []struct {
		name, config string
		env          map[string]string
		want         string
	}{
		{name: "variable", env: map[string]string{"PENSTOCK_WORKERS": "many"}, want: "PENSTOCK_WORKERS"},
		{name: "size", env: map[string]string{"PENSTOCK_BATCH_BYTES": "5 apples"}, want: `"5 apples" is not a size`},
		{name: "file value", config: write("value.json", `{"linger": "soon"}`), want: `value.json:1:12: linger: "soon"`},
		{name: "unknown key", config: write("key.json", `{"wrokers": 3}`), want: `key.json:1:2: unknown key "wrokers"`},
		{name: "not JSON", config: write("text.json", `workers = 3`), want: "text.json:1:1: not JSON"},
		{name: "nested", config: write("nested.json", `{"workers": {"n": 3}}`), want: `nested.json:1:13: workers is`},
		{name: "missing file", config: filepath.Join(dir, "none.json"), want: "none.json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cmd, _ := settingsCommand()
			if err := cmd.ParseFlags([]string{"--config", tt.config}); err != nil {
				t.Fatal(err)
			}
			err := new(app).applySettings(cmd, func(name string) (string, bool) { s, ok := tt.env[name]; return s, ok })
			if _, ok := errors.AsType[*usageError](err); !ok || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want a usage error with %q", err, tt.want)
			}
		})
	}
}

func TestSizesAreReadAndWrittenTheSameWay(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"1": 1, "12B": 12, "1KiB": 1024, "5MiB": 5 << 20, "3GiB": 3 << 30,
		"5MB": 5_000_000, "7KB": 7000, "1GB": 1_000_000_000,
	} {
		var got, again settings.ByteSize
		if err := got.Set(text); err != nil || int64(got) != want {
			t.Errorf("%q: got %d, error %v, want %d", text, got, err, want)
		}
		if err := again.Set(got.String()); err != nil || again != got {
			t.Errorf("%q is written as %q and read back as %d", text, got.String(), again)
		}
	}
	for _, text := range []string{"", "0", "0MiB", "-1", "1.5MiB", "MiB", "9999999999GiB", "5 MB x"} {
		if err := new(settings.ByteSize).Set(text); err == nil {
			t.Errorf("%q is taken for a size", text)
		}
	}
}

func TestNothingThatMovesTheCursorReachesTheTerminal(t *testing.T) {
	t.Parallel()
	got := printable("a\x1b[31mb\rc\nd\u202ee\u0085f\tg")
	if want := `a\u001b[31mb\u000dc\u000ad\u202ee\u0085f g`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What config show prints is all that there is, with types that the file's check knows.
func TestEverySettingIsShownAndHasTheTypeOfItsFlag(t *testing.T) {
	t.Parallel()
	types := map[settings.Type]string{
		settings.IsText: "string", settings.IsBoolean: "bool", settings.IsCount: "int", settings.IsSize: "size",
		settings.IsDuration: "duration", settings.IsRules: "rule",
	}
	flags := newConfigShow(new(app)).Flags()
	for _, s := range settings.Table() {
		f := flags.Lookup(s.Name)
		if f == nil {
			t.Errorf("%s is not shown", s.Name)
		} else if f.Value.Type() != types[s.Type()] {
			t.Errorf("the flag %s is a %s, and the file takes a %s", s.Name, f.Value.Type(), types[s.Type()])
		}
	}
}
