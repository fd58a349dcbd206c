package main

// filtersHelp is what hfhook help filters prints.
const filtersHelp = `Filters choose deliveries: hfhook inspect --filter 'WORDS', hfhook dev --only
'WORDS' and --wait-for 'WORDS', and routes, --forward 'URL if WORDS'. Each key
is also a flag of hfhook inspect: --scope discussion is scope=discussion.

  scope=discussion* repo=acme/* action!=delete

Words are key=value or key!=value, with blanks between them, and all have to
match. Of several values behind one key, as in action=create,update, any will
do; with != none may match. What has no such field matches each !=.

  since, until  when it arrived first: 90m or 2h (ago), 7d, 15:04 (today),
                2006-01-02, 2006-01-02T15:04:05Z
  endpoint      the name under /webhooks/, or the path that came in
  scope         this scope or a narrower one: repo, repo.content, repo.config,
                discussion, discussion.comment; a glob
  action        create, update, delete, move
  repo          owner/name; a glob, in which case is ignored
  type          model, dataset, space, bucket, kernel
  ref           a ref that a push changed, in full: refs/heads/main,
                refs/tags/v1, refs/pr/7; the last is also what happens to
                pull request 7 itself; a glob
  verdict       accepted, rejected, undecodable
  status        how the last attempt ended: ok, failed, none, 404, 5xx
  text          what stands in the body; case is ignored
  webhook-id    the Webhook-Id

In a glob * stands for any characters, also none and also a slash, and ? for
any one. discussion* is discussion and whatever begins so.

Quotes keep blanks and commas together: text='needs work', text="it's, well".
A value of text and of webhook-id is not split at commas. In a shell the whole
filter is in quotes too: hfhook inspect --filter 'repo=acme/* text="at last"'

status is not for routes, --only and --wait-for: they choose before anything
is sent.
`
