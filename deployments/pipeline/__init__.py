"""The deploy as a pure pipeline: stages, checks, bindings, plan and changes to a deployed Worker.

Four modules look at a deployment before it happens:

`site_checks`                 checks the Worker's state on the target: owner, routes, DNS, changes by
                              others. A deploy starts with them, and the check report includes them.
`check_report`                runs every check of a deploy, one after the other, for the deploy page
                              and `deploy_workflow --plan`. It says whether a deploy would work.
`plan`                        runs the pipeline up to the upload and compares the result with the
                              target. It says what a deploy would change.
`deployments.services.plan`   is called by pages and commands: it builds the request from the database
                              and read-only tools, then calls `check_report` or `plan`.
"""
