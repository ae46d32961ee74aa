package format

import (
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
)

// codebuild is "Build notifications input format reference" in the AWS documentation: changes of a build's state and
// phase, as EventBridge delivers them. What a build prints is text.
func codebuild() schema {
	return schema{
		name: "codebuild",
		told: "objects with build-status, project-name, build-id and additional-information, " +
			`also as the "detail" of EventBridge`,
		about: "events of AWS CodeBuild; environments, sources and phases are kept as text",
		grammar: &events.Row{
			Names: []string{
				"build-status", "completed-phase", "completed-phase-status", "project-name", "build-id", "additional-information",
				"current-phase",
			}, Least: 4,
			Is:     map[string]string{"build-id": `"arn:`, "additional-information": "{"},
			Within: "detail",
			Times:  []string{"time"},
			Opaque: []string{
				"additional-information.environment", "additional-information.source", "additional-information.phases",
				"additional-information.secondary-sources", "additional-information.secondary-artifacts",
			},
			Fields: []entry.Field{{Name: "time", Type: entry.Date}},
		},
	}
}
