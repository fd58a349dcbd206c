// Package payload knows what the Hugging Face Hub sends to a webhook: it
// decodes a body, says what is odd about it, and tells in one line what
// happened. It imports nothing but the standard library.
//
//	p, err := payload.Decode(body)
//	if err != nil {
//		return err // the body is no JSON object
//	}
//	fmt.Println(p.Describe()) // PR #19 "Update co2 emissions" opened on model openai-community/gpt2
//
// Decode takes every JSON object. The Hub adds fields, scopes and repo types
// without a new version, so whatever is unknown, missing or of the wrong type
// becomes a [Problem] and never an error; [Payload.Validate] turns the grave
// ones into an error for those who want one.
//
// # For readers of huggingface_hub
//
// The types of _webhooks_payload.py are found here under these names:
//
//	WebhookPayload                   Payload
//	WebhookPayloadComment            Comment
//	WebhookPayloadDiscussion         Discussion
//	WebhookPayloadDiscussionChanges  DiscussionChanges
//	WebhookPayloadEvent              Event
//	WebhookPayloadMovedTo            MovedTo
//	WebhookPayloadRepo               Repo
//	WebhookPayloadUrl                URL
//	WebhookPayloadUpdatedRef         UpdatedRef
//	WebhookPayloadWebhook            Webhook
//	ObjectId                         ObjectID
//
// One of its names is wrong on the wire: WebhookPayloadRepo.head_sha has no
// alias, so it is always None there; the Hub sends headSha, which is
// [Repo.HeadSHA]. It does not know updatedConfig, updatedFiles and
// updatedFilesTruncated, which are [Payload.UpdatedConfig],
// [Payload.UpdatedFiles] and [Payload.UpdatedFilesTruncated]. It refuses
// buckets, new actions and new statuses; here these are open string types.
//
// Facts about the Hub in this package come from
// https://huggingface.co/docs/hub/webhooks unless a comment names another
// source.
package payload
