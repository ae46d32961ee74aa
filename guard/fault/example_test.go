package fault_test

import (
	"fmt"

	"github.com/seed56735111/penstock/guard/fault"
)

func ExampleParse() {
	faults, err := fault.Parse("429@10%,latency=200ms,bulk-item=400@1%")
	fmt.Println(faults.Spec(), err)
	_, err = fault.Parse("418@10%")
	fmt.Println(err)
	// Output:
	// 429@10%,latency=200ms,bulk-item=400@1% <nil>
	// parse fault "418@10%": unknown fault
}
