package check

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"

	"github.com/hfhook/hfhook/replay"
)

// withSecret changes a delivery's X-Webhook-Secret; without values, it has none.
func (p parcel) withSecret(what string, values ...string) parcel {
	d := *p.Delivery
	d.Header = d.Header.Clone()
	delete(d.Header, replay.HeaderSecret)
	if len(values) > 0 {
		d.Header[replay.HeaderSecret] = values
	}
	return parcel{what, &d}
}

// inURL puts a secret into the query.
func (p parcel) inURL(secret string) parcel {
	p.Query = "secret=" + secret
	return p
}

func noSecret(ctx context.Context, r *run) outcome {
	return r.refused(ctx, r.event("discussion.create", "").withSecret("no secret"))
}

func wrongSecret(ctx context.Context, r *run) outcome {
	wrong := rand.Text()
	p := r.event("discussion.create", "")
	return r.refused(ctx,
		p.withSecret("a wrong secret", wrong),
		p.withSecret("an empty secret", ""),
		p.withSecret("the secret with more behind it", r.o.Secret+wrong),
		p.withSecret("a wrong secret in the URL").inURL(url.QueryEscape(wrong)),
	)
}

// refused sends deliveries, none of which may be let in.
func (r *run) refused(ctx context.Context, parcels ...parcel) outcome {
	o := outcome{verdict: Pass}
	for _, p := range parcels {
		a := r.send(ctx, p)
		came := fmt.Sprintf("%s: %s", p.what, r.came(a))
		switch {
		case a.Status >= 200 && a.Status < 300:
			return outcome{Fail, came, ""}
		case a.Status >= 400 && a.Status < 500:
			if o.came == "" {
				o.came = r.came(a)
			}
		case o.verdict == Pass:
			o = outcome{Warn, came, "it is not let in, though not refused in so many words either; 401 or 403 would say it"}
		}
	}
	return o
}

// secretInURL takes any answer that is a decision.
func secretInURL(ctx context.Context, r *run) outcome {
	a := r.send(ctx, r.event("discussion.create", "").withSecret("").inURL(replay.Redacted))
	switch {
	case a.OK():
		return outcome{Pass, "let in", ""}
	case a.Failure == "" && a.Status >= 400 && a.Status < 500:
		return outcome{Pass, "only the header counts: " + r.came(a), ""}
	}
	return outcome{Warn, r.came(a), ""}
}
