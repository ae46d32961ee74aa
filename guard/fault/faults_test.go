package fault_test

import (
	"strings"
	"testing"

	"github.com/seed56735111/penstock/guard/fault"
)

func TestFaultSpecifications(t *testing.T) {
	t.Parallel()
	for _, ok := range []string{
		"", "429@10%", "503@0.5%,text429@100%", "latency=200ms@50%", "reset-before@1%, reset-after@1%", "expired-token",
		"clock-skew=±10m", "clock-skew=-10m@5%", "bulk-item=429@5%,bulk-item=400@1%", "authz,short-signature,seed=7",
	} {
		f, err := fault.Parse(ok)
		if err != nil {
			t.Errorf("%q: %v", ok, err)
			continue
		}
		if f.Spec() != ok {
			t.Errorf("%q came out as %q", ok, f.Spec())
		}
	}
	for bad, reason := range map[string]string{
		"418":                "unknown fault",
		"429@10":             "want a percentage",
		"429@110%":           "want a percentage",
		"429@-1%":            "want a percentage",
		"429@NaN%":           "want a percentage",
		"429=1":              "takes no value",
		"latency":            `latency "": want a duration such as 200ms`,
		"latency=-1s":        "latency outside",
		"latency=1h":         "latency outside",
		"clock-skew=soon":    `clock-skew "soon": want a duration`,
		"bulk-item=200":      "want one of [400 403 404 409 429 500 503]",
		"bulk-item":          `bulk-item "": want a number`,
		"seed=-1":            "not negative",
		"seed=x":             `seed "x": want a number`,
		"503@5%,reset-later": `parse fault "reset-later"`,
	} {
		if _, err := fault.Parse(bad); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: got %v, want %s", bad, err, reason)
		}
	}
}

func TestARefusedSpecificationChangesNothing(t *testing.T) {
	t.Parallel()
	f, err := fault.Parse("429@10%")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Set("nonsense"); err == nil {
		t.Error("nonsense is accepted")
	}
	if f.Spec() != "429@10%" {
		t.Errorf("the specification is now %q", f.Spec())
	}
}

func FuzzParseFaults(f *testing.F) {
	f.Add("429@10%,latency=1ms,clock-skew=±1m,bulk-item=400@1%")
	f.Fuzz(func(t *testing.T, spec string) {
		got, err := fault.Parse(spec)
		if err == nil && got.Spec() != spec {
			t.Errorf("%q came out as %q", spec, got.Spec())
		}
	})
}
