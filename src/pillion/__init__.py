"""Run Amazon ECS task definitions, sidecars and all, on any machine, exactly as ECS would."""
