export default async function (ctx: NodeContext) {
  const { action, owner, repo, token } = ctx.config;
  const { path, ...request } = call(ctx.config);
  try {
    const data = await ctx.request({
      service: "GitHub",
      url: `https://api.github.com/repos/${encodeURIComponent(owner)}/${encodeURIComponent(repo)}/${path}`,
      headers: {
        authorization: `Bearer ${token}`,
        accept: "application/vnd.github+json",
        "x-github-api-version": "2022-11-28",
        "user-agent": "AwaitStep", // GitHub rejects requests without one
      },
      reason: ({ message, errors = [] }) => [message, ...errors.map(detail)].join("; "),
      ...request,
    });
    if (Array.isArray(data) || !data) return { id: null, url: null, data };
    return { id: action === "Create Comment" ? data.id : data.number, url: data.html_url, data };
  } catch (error: any) {
    // GitHub also reports a rate limit with the status of a missing permission
    throw error.status === 403 && /rate limit/i.test(error.message) ? new Error(error.message) : error;
  }
}

function call(config: NodeContext["config"]) {
  const { labels, assignees } = config;
  const body = config.body || undefined;
  const issue = `issues/${config.issueNumber}`;
  switch (config.action) {
    case "Create Issue":
      return { path: "issues", method: "POST", json: { title: config.title, body, labels, assignees } };
    case "Get Issue":
      return { path: issue };
    case "Update Issue": {
      const json = { title: config.newTitle || undefined, body, labels, assignees, state: config.newState || undefined };
      return { path: issue, method: "PATCH", json, repeatable: true };
    }
    case "Create Comment":
      return { path: `${issue}/comments`, method: "POST", json: { body: config.commentBody } };
    case "List Repo Issues":
      return { path: "issues", query: { state: config.state, per_page: config.maxIssues } };
    case "Run Workflow": {
      const path = `actions/workflows/${encodeURIComponent(config.workflowFile)}/dispatches`;
      return { path, method: "POST", json: { ref: config.ref, inputs: config.workflowInputs } };
    }
  }
}

function detail({ message, field, code }: any): string {
  return message ?? `${field}: ${code}`;
}
