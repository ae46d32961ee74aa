package format

import "github.com/seed56735111/penstock/format/internal/events"

// firelens is "FireLens" in the documentation of Amazon ECS: Fluent Bit adds the container and the task to each line.
func firelens() schema {
	return schema{
		name: "firelens", told: "objects with log, container_id, container_name, source and ecs_task_arn or ecs_cluster",
		about: "logs of containers of Amazon ECS: lines are put together again, and each is read as what it fits",
		grammar: &carrier{
			Grammar: &events.Row{
				Names: []string{
					"log", "container_id", "container_name", "source", "ecs_cluster", "ecs_task_arn", "ecs_task_definition",
					"ec2_instance_id",
				},
				Least: 4,
				Is:    map[string]string{"log": `"`, "container_id": `"`},
				Times: []string{"date", "time"},
			},
			name: "firelens", message: "log", same: "partial_id",
			open: func(fields, _ []byte) bool { return string(events.Member(fields, "partial_last")) == `"false"` },
		},
	}
}
