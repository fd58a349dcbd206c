package check

import (
	"context"
	"net/http"

	"github.com/hfhook/hfhook/replay"
)

// What the Hub does not send, and others will.

func notJSON(ctx context.Context, r *run) outcome {
	var parcels []parcel
	for _, body := range []string{"not json", "", "[]", `{"event":`, "{}"} {
		what := body
		if body == "" {
			what = "an empty body"
		}
		parcels = append(parcels, r.parcel(what, []byte(body)))
	}
	return r.decided(ctx, parcels...)
}

func methods(ctx context.Context, r *run) outcome {
	var parcels []parcel
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		p := r.parcel(method, nil)
		p.Method = method
		p.Header = http.Header{"User-Agent": p.Header["User-Agent"]}
		parcels = append(parcels, p)
	}
	return r.decided(ctx, parcels...)
}

// decided sends what may be taken or refused, as long as it is one of them.
func (r *run) decided(ctx context.Context, parcels ...parcel) outcome {
	o := outcome{verdict: Pass}
	for _, p := range parcels {
		a := r.send(ctx, p)
		if a.Failure != "" || a.Status >= 500 && a.Status != http.StatusNotImplemented {
			o = outcome{Fail, p.what + ": " + r.came(a), ""}
			if a.Failure == replay.FailTimeout || a.Failure == replay.FailRefused {
				break
			}
		} else if o.came == "" {
			o.came = r.came(a)
		}
	}
	return o
}

func afterwards(ctx context.Context, r *run) outcome {
	return r.taken(ctx, r.event("discussion.create", ""))
}
