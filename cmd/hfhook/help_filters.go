package main

// filtersHelp is what hfhook help filters prints.
const filtersHelp = `Filters choose deliveries: each is a flag of hfhook inspect. All that are given
have to match.

  hfhook inspect --since 2h --scope discussion --repo 'acme/*'

Of several words for one of them, any will do: --action create,update is
--action create --action update.

  since, until  when it arrived first: 90m or 2h (ago), 7d, 15:04 (today),
                2006-01-02, 2006-01-02T15:04:05Z
  endpoint      the name under /webhooks/, or the path that came in
  scope         this scope or a narrower one: repo, repo.content, repo.config,
                discussion, discussion.comment
  action        create, update, delete, move
  repo          owner/name; a glob, in which case is ignored
  type          model, dataset, space, bucket, kernel
  verdict       accepted, rejected, undecodable
  status        how the last attempt ended: ok, failed, none, 404, 5xx
  text          what stands in the body; case is ignored
  webhook-id    the Webhook-Id

In a glob * stands for any characters, also none and also a slash, and ? for
any one. Quote it, so that the shell leaves it alone.
`
