from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from histovet.partners.problems import Problem, problem_response


@csrf_exempt
def no_such_path(request: HttpRequest) -> HttpResponse:
    return problem_response(Problem.NO_SUCH_PATH)
